package dev.obd.backstore.build;

import dev.obd.backstore.prefetch.TraceLayer;
import dev.obd.backstore.prefetch.TraceLayerException;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.registry.BlobContent;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageConfig;
import dev.obd.registry.Manifest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.Platform;
import dev.obd.trace.Access;
import dev.obd.trace.TraceFile;
import dev.obd.trace.runs.Runs;
import java.io.ByteArrayInputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An image in the making. The trace layer of the image below is left out, because it has to be on
 * top and the next layer goes there.
 *
 * @param manifest its config descriptor is the old one's, until the image is saved
 * @param fresh what is in no repository yet
 */
record Draft(
    Optional<LoadedImage> base,
    Manifest manifest,
    ImageConfig config,
    Map<Digest, BlobContent> fresh,
    long layerBytes,
    int traceRecords,
    boolean traceRemoved) {

  static Draft empty(Platform platform) {
    ImageConfig config = ImageConfig.create(platform);
    byte[] bytes = config.toBytes();
    var described = new Descriptor(MediaTypes.OCI_CONFIG, Digest.of(bytes), bytes.length);
    var manifest = new Manifest(MediaTypes.OCI_MANIFEST, described, List.of());
    return new Draft(Optional.empty(), manifest, config, Map.of(), 0, 0, false);
  }

  static Draft over(LoadedImage base) throws TraceLayerException {
    TraceLayer.Image below = TraceLayer.strip(base.name(), base.manifest(), base.config());
    boolean removed = below.manifest().layers().size() < base.manifest().layers().size();
    return new Draft(Optional.of(base), below.manifest(), below.config(), Map.of(), 0, 0, removed);
  }

  Draft withLayer(LayerBlob blob, String createdBy, String comment) {
    Descriptor layer = blob.descriptor();
    List<Digest> diffIds = new ArrayList<>(config.diffIds());
    // The blob is not compressed as OCI understands it, so its digest is its diff id too.
    diffIds.add(layer.digest());
    return new Draft(
        base,
        manifest.withLayers(and(manifest.layers(), layer)),
        config.withDiffIds(diffIds).withHistory(createdBy, comment),
        with(layer.digest(), blob.content()),
        layer.size(),
        traceRecords,
        traceRemoved);
  }

  /** The digests of the layers, the lowest first. */
  List<String> digests() {
    return manifest.layers().stream().map(layer -> layer.digest().value()).toList();
  }

  /** Without the topmost layer, which is a hot layer that repeats what lies below it. */
  Draft withoutHotLayer() {
    List<Descriptor> layers = manifest.layers();
    List<Digest> diffIds = config.diffIds();
    boolean onePerLayer = diffIds.size() == layers.size();
    return new Draft(
        base,
        manifest.withLayers(layers.subList(0, layers.size() - 1)),
        (onePerLayer ? config.withDiffIds(diffIds.subList(0, diffIds.size() - 1)) : config)
            .withoutLastHistory(HotLayer.CREATED_BY),
        fresh,
        layerBytes,
        traceRecords,
        traceRemoved);
  }

  /**
   * Refuses a trace of an image with more layers.
   *
   * @throws TraceLayerException naming the first such record's layer
   */
  void requireTraceOfThis(List<Access> trace) throws TraceLayerException {
    String name = base.map(LoadedImage::name).orElse("new image");
    int layers = manifest.layers().size();
    for (Access access : trace) {
      if (access.layer() >= layers) {
        throw new TraceLayerException(
            name,
            "the trace speaks of layer "
                + access.layer()
                + ", the image has layers 0 to "
                + (layers - 1)
                + ": it was recorded on another image");
      }
    }
  }

  /**
   * With what is recorded of it. Tools that know no runs find a trace of all that they read.
   *
   * @param runs none: the trace is all that is known
   */
  Draft withTrace(Optional<? extends List<Access>> recorded, Runs runs, Instant now)
      throws TraceLayerException {
    List<Access> trace = recorded.isPresent() ? recorded.get() : runs.trace(digests(), 1);
    requireTraceOfThis(trace);
    String name = base.map(LoadedImage::name).orElse("new image");
    if (recorded.isEmpty() && trace.isEmpty()) {
      throw new TraceLayerException(
          name, "the runs speak of none of its layers: they were recorded on another image");
    }
    TraceLayer.Added added =
        TraceLayer.add(name, manifest, config, TraceFile.encode(trace), runs, now);
    return new Draft(
        base,
        added.image().manifest(),
        added.image().config(),
        with(added.layer().digest(), () -> new ByteArrayInputStream(added.blob())),
        layerBytes,
        trace.size(),
        traceRemoved);
  }

  private Map<Digest, BlobContent> with(Digest digest, BlobContent content) {
    Map<Digest, BlobContent> more = new LinkedHashMap<>(fresh);
    more.put(digest, content);
    return more;
  }

  private static List<Descriptor> and(List<Descriptor> layers, Descriptor next) {
    List<Descriptor> more = new ArrayList<>(layers);
    more.add(next);
    return more;
  }
}
