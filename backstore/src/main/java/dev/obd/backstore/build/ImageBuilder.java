package dev.obd.backstore.build;

import dev.obd.backstore.image.Image;
import dev.obd.backstore.prefetch.TraceLayer;
import dev.obd.backstore.store.ImageStore;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.format.lsmt.CommitOptions;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.LayerCommitter;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.io.BlockSource;
import dev.obd.registry.BlobContent;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageConfig;
import dev.obd.registry.Manifest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.Platform;
import dev.obd.registry.Progress;
import dev.obd.trace.Access;
import dev.obd.trace.TraceFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes images: from a disk, from what was written over an image, from what was read while one
 * started.
 */
public final class ImageBuilder {
  private final ImageStore images;
  private final Path temporary;
  private final Platform platform;

  /**
   * @param temporary where layers are packed before they are saved; one file at a time, deleted
   *     afterwards
   */
  public ImageBuilder(ImageStore images, Path temporary, Platform platform) {
    this.images = images;
    this.temporary = temporary;
    this.platform = platform;
  }

  /**
   * An image to be changed: what its new manifest will hold. The trace layer of a base is left out,
   * because a trace describes the image below it and no other.
   */
  private record Draft(
      Optional<LoadedImage> base,
      List<Descriptor> layers,
      ImageConfig config,
      boolean traceRemoved) {}

  /**
   * What was made.
   *
   * @param layerBytes size of the new data layer's blob, 0 if there is none
   * @param traceRecords records of the new trace layer, 0 if there is none
   * @param traceRemoved whether the base had a trace layer that was left out
   */
  public record Built(
      Descriptor manifest,
      String name,
      int layers,
      long layerBytes,
      int traceRecords,
      boolean traceRemoved) {}

  private Draft draft(Optional<LoadedImage> base) throws IOException {
    if (base.isEmpty()) {
      return new Draft(base, List.of(), ImageConfig.create(platform), false);
    }
    LoadedImage below = base.get();
    TraceLayer.Image stripped = TraceLayer.strip(below.name(), below.manifest(), below.config());
    List<Descriptor> layers = stripped.manifest().layers();
    return new Draft(
        base, layers, stripped.config(), layers.size() < below.manifest().layers().size());
  }

  /**
   * Turns a disk into an image.
   *
   * @param raw the disk's bytes
   * @param base the image below and its opened disk; only blocks that differ from it become the new
   *     layer
   */
  public Built importDisk(
      BlockSource raw,
      Optional<BaseImage> base,
      ImageStore.Target target,
      PackOptions options,
      String createdBy,
      Progress progress)
      throws IOException {
    Optional<BlockSource> below = base.map(b -> new DiskSource(b.image().name(), b.disk()));
    return withLayer(
        base.map(BaseImage::image),
        target,
        options,
        createdBy,
        out ->
            RawLayerWriter.write(
                raw, below, ImportOptions.NONE, out, done -> progress.at(done, raw.size())));
  }

  /** An image and its opened disk. */
  public record BaseImage(LoadedImage image, Image disk) {}

  /**
   * Turns what was written to {@code upper} into a new layer of {@code base}. The upper is not
   * changed.
   */
  public Built commit(
      Optional<LoadedImage> base,
      WritableLayer upper,
      ImageStore.Target target,
      PackOptions options,
      String message,
      String createdBy)
      throws IOException {
    return withLayer(
        base,
        target,
        options,
        createdBy,
        out -> LayerCommitter.commit(upper, CommitOptions.NONE.withUserTag(message), out));
  }

  private Built withLayer(
      Optional<LoadedImage> base,
      ImageStore.Target target,
      PackOptions options,
      String createdBy,
      LayerPacker.LayerWriter writer)
      throws IOException {
    Draft draft = draft(base);
    Files.createDirectories(temporary);
    Path file = Files.createTempFile(temporary, "layer-", ".obd");
    try {
      LayerBlob blob = LayerPacker.pack(file, options, writer);
      List<Descriptor> layers = new ArrayList<>(draft.layers());
      layers.add(blob.descriptor());
      List<Digest> diffIds = new ArrayList<>(draft.config().diffIds());
      // The blob is not compressed as OCI understands it, so its digest is its diff id too.
      diffIds.add(blob.descriptor().digest());
      ImageConfig config = draft.config().withDiffIds(diffIds).withHistory(createdBy, "");
      Descriptor manifest =
          save(draft, target, layers, config, Map.of(blob.descriptor().digest(), blob.content()));
      return new Built(
          manifest,
          target.name(),
          layers.size(),
          blob.descriptor().size(),
          0,
          draft.traceRemoved());
    } finally {
      Files.deleteIfExists(file);
    }
  }

  /**
   * Puts a trace on top of {@code base}.
   *
   * @param now goes into the new config as its time of creation
   */
  public Built addTrace(LoadedImage base, List<Access> trace, ImageStore.Target target, Instant now)
      throws IOException {
    Draft draft = draft(Optional.of(base));
    TraceLayer.Added added =
        TraceLayer.add(
            base.name(),
            base.manifest().withLayers(draft.layers()),
            draft.config(),
            TraceFile.encode(trace),
            now);
    List<Descriptor> layers = added.image().manifest().layers();
    Descriptor manifest =
        images.save(
            target,
            draft.base(),
            added.image().manifest(),
            added.image().config().toBytes(),
            Map.of(added.layer().digest(), () -> new ByteArrayInputStream(added.blob())),
            Progress.NONE);
    return new Built(manifest, target.name(), layers.size(), 0, trace.size(), draft.traceRemoved());
  }

  private Descriptor save(
      Draft draft,
      ImageStore.Target target,
      List<Descriptor> layers,
      ImageConfig config,
      Map<Digest, BlobContent> fresh)
      throws IOException {
    byte[] configBytes = config.toBytes();
    Optional<Manifest> before = draft.base().map(LoadedImage::manifest);
    Descriptor described =
        new Descriptor(
            before.map(m -> m.config().mediaType()).orElse(MediaTypes.OCI_CONFIG),
            Digest.of(configBytes),
            configBytes.length);
    Manifest manifest =
        before
            .map(m -> m.withConfig(described).withLayers(layers))
            .orElseGet(() -> new Manifest(MediaTypes.OCI_MANIFEST, described, layers));
    return images.save(target, draft.base(), manifest, configBytes, fresh, Progress.NONE);
  }
}
