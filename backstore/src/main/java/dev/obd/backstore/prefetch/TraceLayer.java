package dev.obd.backstore.prefetch;

import dev.obd.format.tar.TarMember;
import dev.obd.format.tar.TarReader;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageConfig;
import dev.obd.registry.Manifest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.OverlaybdAnnotations;
import dev.obd.registry.Repository;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The layer a trace travels in: an uncompressed tar with the member {@code trace}, and the member
 * {@code runs} if it is known of which runs the trace was made. It is at the top of an image,
 * recognised by its annotation. Tools that do not know it treat it as any layer. Layout:
 * docs/formats/trace.md.
 */
public final class TraceLayer {
  private static final Logger log = LogManager.getLogger(TraceLayer.class);

  static final String TRACE = "trace";
  static final String RUNS = "runs";
  private static final int MODE = 0444;
  private static final String HISTORY = "Acceleration Layer";

  /** A larger layer is not fetched: the largest trace, and room for headers of other writers. */
  private static final int MAX_BLOB_BYTES =
      TraceFile.MAX_FILE_BYTES + Recordings.MAX_RUNS_BYTES + (64 << 10);

  /**
   * An image: what its manifest and config say.
   *
   * @param manifest {@link Manifest#config} describes {@code config}
   */
  public record Image(Manifest manifest, ImageConfig config) {
    private static Image of(Manifest manifest, ImageConfig config) {
      byte[] bytes = config.toBytes();
      var descriptor =
          new Descriptor(manifest.config().mediaType(), Digest.of(bytes), bytes.length);
      return new Image(manifest.withConfig(descriptor), config);
    }
  }

  /** An image with a new trace layer, and that layer's bytes. */
  @SuppressWarnings("ArrayRecordComponent") // handed on to be pushed; nobody compares these
  public record Added(Image image, Descriptor layer, byte[] blob) {}

  private TraceLayer() {}

  /**
   * The trace layer of an image.
   *
   * @param image what an error calls it
   * @throws TraceLayerException if it is not the topmost layer, or there is more than one
   */
  public static Optional<Descriptor> find(String image, Manifest manifest)
      throws TraceLayerException {
    List<Descriptor> layers = manifest.layers();
    for (int i = 0; i < layers.size() - 1; i++) {
      if (OverlaybdAnnotations.isAcceleration(layers.get(i))) {
        throw new TraceLayerException(
            image,
            "layer "
                + (i + 1)
                + " of "
                + layers.size()
                + " ("
                + layers.get(i).digest()
                + ") is a trace layer; the only place for one is the top");
      }
    }
    return layers.isEmpty()
        ? Optional.empty()
        : Optional.of(layers.getLast()).filter(OverlaybdAnnotations::isAcceleration);
  }

  /**
   * The image without its trace layer: what a new layer, or a new trace, is put on. The same image
   * if it has none.
   *
   * @throws TraceLayerException as {@link #find}
   */
  public static Image strip(String image, Manifest manifest, ImageConfig config)
      throws TraceLayerException {
    Optional<Descriptor> layer = find(image, manifest);
    if (layer.isEmpty()) {
      return new Image(manifest, config);
    }
    int below = manifest.layers().size() - 1;
    List<Digest> diffIds = config.diffIds();
    // Not by digest alone: a tool may have compressed the layer on its way.
    boolean onePerLayer = diffIds.size() == manifest.layers().size();
    boolean same = !diffIds.isEmpty() && diffIds.getLast().equals(layer.get().digest());
    ImageConfig stripped =
        onePerLayer || same ? config.withDiffIds(diffIds.subList(0, diffIds.size() - 1)) : config;
    return Image.of(
        manifest.withLayers(manifest.layers().subList(0, below)),
        stripped.withoutFirstHistory(HISTORY));
  }

  /**
   * Refuses an image that has a trace layer: a second one would be no use.
   *
   * @throws TraceLayerException as {@link #find}, and if there is one
   */
  public static void requireNone(String image, Manifest manifest) throws TraceLayerException {
    Optional<Descriptor> present = find(image, manifest);
    if (present.isPresent()) {
      throw new TraceLayerException(
          image,
          "has a trace layer already (" + present.get().digest() + "); --replace removes it");
    }
  }

  /**
   * The image with a trace on top.
   *
   * @param content the bytes of the member {@code trace}: a trace file, or a list of files
   * @param runs that the trace was made of, or none; the oldest are left out if there is no room
   * @param now goes into the config as the time of creation
   * @throws TraceLayerException if the image has a trace layer already, or its top layer is not one
   *     that could be traced
   */
  public static Added add(
      String image, Manifest manifest, ImageConfig config, byte[] content, Runs runs, Instant now)
      throws TraceLayerException {
    requireNone(image, manifest);
    if (manifest.layers().isEmpty()
        || !OverlaybdAnnotations.isOverlaybd(manifest.layers().getLast())) {
      throw new TraceLayerException(
          image, "its top layer is no block layer (no annotation blob-digest), so it has no trace");
    }
    List<TarMember.File> members = new ArrayList<>();
    members.add(new TarMember.File(TRACE, MODE, content));
    if (!runs.isEmpty()) {
      members.add(new TarMember.File(RUNS, MODE, Recordings.encode(runs)));
    }
    byte[] blob = TarMember.wrap(members);
    Descriptor layer = describe(blob, manifest.layers().getLast());
    List<Descriptor> layers = new ArrayList<>(manifest.layers());
    layers.add(layer);
    List<Digest> diffIds = new ArrayList<>(config.diffIds());
    diffIds.add(layer.digest());
    ImageConfig traced =
        config
            .withDiffIds(diffIds)
            .withFirstHistory(now.toString(), HISTORY)
            .withCreated(now.toString());
    var bare = new Manifest(manifest.mediaType(), manifest.config(), layers);
    return new Added(Image.of(bare, traced), layer, blob);
  }

  private static Descriptor describe(byte[] blob, Descriptor below) {
    Digest digest = Digest.of(blob);
    Map<String, String> annotations = new LinkedHashMap<>();
    annotations.put(OverlaybdAnnotations.VERSION, OverlaybdAnnotations.VERSION_NATIVE);
    annotations.put(OverlaybdAnnotations.BLOB_DIGEST, digest.toString());
    annotations.put(OverlaybdAnnotations.BLOB_SIZE, Integer.toString(blob.length));
    annotations.put(OverlaybdAnnotations.ACCELERATION_LAYER, OverlaybdAnnotations.YES);
    below
        .annotation(OverlaybdAnnotations.BLOB_FS_TYPE)
        .ifPresent(type -> annotations.put(OverlaybdAnnotations.BLOB_FS_TYPE, type));
    return new Descriptor(MediaTypes.OCI_LAYER, digest, blob.length, annotations);
  }

  /**
   * Fetches and decodes a trace layer.
   *
   * @throws IOException as {@link #parse}, and if it cannot be had
   */
  public static Recordings load(Repository repository, Descriptor layer) throws IOException {
    return parse(layer.digest().toString(), repository.blob(layer, MAX_BLOB_BYTES));
  }

  /**
   * Decodes a trace layer's blob, as stored. Of its two members one may be damaged.
   *
   * @param name what an error calls it
   * @throws IOException if it is too large, or holds neither a trace nor runs that can be used
   */
  public static Recordings parse(String name, byte[] blob) throws IOException {
    byte[] archive = uncompressed(name, blob);
    IOException unusable;
    try {
      Optional<byte[]> content = TarReader.read(archive, TRACE, TraceFile.MAX_FILE_BYTES);
      if (content.isPresent()) {
        Trace trace = TraceFile.decode(name, ByteBuffer.wrap(content.get()));
        return Recordings.of(trace).and(runsOrNone(name, archive));
      }
      unusable = new IOException(name + ": no file '" + TRACE + "' in the trace layer");
    } catch (IOException e) {
      unusable = e;
    }
    Recordings runs = runsOrNone(name, archive);
    if (runs.isEmpty()) {
      throw unusable;
    }
    log.warn("trace.damaged layer={} member={} reason={}", name, TRACE, unusable.getMessage());
    return runs.without("the image's trace", unusable);
  }

  private static Recordings runsOrNone(String name, byte[] archive) {
    try {
      Optional<byte[]> content = TarReader.read(archive, RUNS, Recordings.MAX_RUNS_BYTES);
      return content.isPresent()
          ? Recordings.of(RunsFile.decode(name, ByteBuffer.wrap(content.get())))
          : Recordings.NONE;
    } catch (IOException e) {
      log.warn("trace.damaged layer={} member={} reason={}", name, RUNS, e.getMessage());
      return Recordings.NONE.without("the image's runs", e);
    }
  }

  /** Some tools compress every layer they copy. */
  private static byte[] uncompressed(String name, byte[] blob) throws IOException {
    if (blob.length < 2 || blob[0] != 0x1f || blob[1] != (byte) 0x8b) {
      return blob;
    }
    try (var in = new GZIPInputStream(new ByteArrayInputStream(blob))) {
      byte[] bytes = in.readNBytes(MAX_BLOB_BYTES + 1);
      if (bytes.length > MAX_BLOB_BYTES) {
        throw new IOException(name + ": more than " + MAX_BLOB_BYTES + " bytes uncompressed");
      }
      return bytes;
    }
  }
}
