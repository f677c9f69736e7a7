package dev.obd.backstore.build;

import dev.obd.backstore.image.Image;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.prefetch.TraceLayer;
import dev.obd.backstore.prefetch.TraceLayerException;
import dev.obd.backstore.store.ImageStore;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.format.lsmt.CommitOptions;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.LayerCommitter;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.Manifest;
import dev.obd.registry.Platform;
import dev.obd.registry.Progress;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFormatException;
import dev.obd.trace.runs.Runs;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Makes images: from a disk, from what was written over an image, from what was read while one
 * started. Thread-safe.
 */
public final class ImageBuilder {
  private final ImageStore images;
  private final Path temporary;
  private final Platform platform;
  private final Progress saving;
  private final LayerNotes notes;

  /**
   * @param temporary where layers are packed before they are saved; one file at a time, deleted
   *     afterwards
   */
  public ImageBuilder(ImageStore images, Path temporary, Platform platform) {
    this(images, temporary, platform, Progress.NONE, LayerNotes.NONE);
  }

  private ImageBuilder(
      ImageStore images, Path temporary, Platform platform, Progress saving, LayerNotes notes) {
    this.images = images;
    this.temporary = temporary;
    this.platform = platform;
    this.saving = saving;
    this.notes = notes;
  }

  /** The same, telling {@code saving} how far blobs are copied to where the new image goes. */
  public ImageBuilder withSaving(Progress saving) {
    return new ImageBuilder(images, temporary, platform, saving, notes);
  }

  /** The same, noting with each new layer what these say. */
  public ImageBuilder withNotes(LayerNotes wanted) {
    return new ImageBuilder(images, temporary, platform, saving, wanted);
  }

  /**
   * What was made.
   *
   * @param layers of the image, the trace layer included
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

  /** An image and its opened disk. */
  public record BaseImage(LoadedImage image, Image disk) {}

  /**
   * Turns a disk into an image.
   *
   * @param raw the disk's bytes
   * @param base the image below and its opened disk; only blocks that differ from it become the new
   *     layer. The new disk has the size of {@code raw}, whatever the base's is
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
    LayerPacker.LayerWriter layer =
        out ->
            RawLayerWriter.write(
                raw, below, ImportOptions.NONE, out, done -> progress.at(done, raw.size()));
    Draft draft = base.isPresent() ? Draft.over(base.get().image()) : Draft.empty(platform);
    try (WorkDirectory work = WorkDirectory.open(temporary)) {
      return save(draft.withLayer(pack(work, options, layer), createdBy, ""), target);
    }
  }

  /**
   * What to make a new image of.
   *
   * @param upper what was written over the image; it is not changed
   * @param trace what was read of the image. With an {@code upper} it goes on top of the new layer
   *     and still speaks of the layers below that
   * @param runs that read it, or none; without a {@code trace} one is made of them
   * @param replace whether a trace that the image has may give way to {@code trace} alone
   * @param message goes into the new layer and the image's history
   */
  public record Changes(
      Optional<WritableLayer> upper,
      Optional<Trace> trace,
      Runs runs,
      boolean replace,
      String message) {
    public Changes {
      if (upper.isEmpty() && trace.isEmpty() && runs.isEmpty()) {
        throw new IllegalArgumentException("nothing to commit: neither a layer nor a trace");
      }
    }
  }

  /**
   * Puts a new layer, a trace, or both on {@code base}.
   *
   * @param now goes into the config as its time of creation if there is a trace
   * @throws dev.obd.backstore.prefetch.TraceLayerException if {@code base} has a trace that would
   *     have to give way to another one and may not, or the trace is of another image
   */
  public Built commit(
      LoadedImage base,
      Changes changes,
      ImageStore.Target target,
      PackOptions options,
      String createdBy,
      Instant now)
      throws IOException {
    if (changes.upper().isEmpty()) {
      requireTraceable(base, changes.replace());
    }
    Draft draft = Draft.over(base);
    try (WorkDirectory work = WorkDirectory.open(temporary)) {
      if (changes.upper().isPresent()) {
        WritableLayer upper = changes.upper().get();
        CommitOptions identity = CommitOptions.NONE.withUserTag(changes.message());
        LayerBlob layer = pack(work, options, out -> LayerCommitter.commit(upper, identity, out));
        draft = draft.withLayer(layer, createdBy, changes.message());
      }
      if (changes.trace().isPresent() || !changes.runs().isEmpty()) {
        draft = draft.withTrace(changes.trace(), changes.runs(), now);
      }
      return save(draft, target);
    }
  }

  /**
   * Refuses an image that has a trace layer, unless that may be replaced: to be asked before hours
   * of recording, not after.
   */
  public static void requireTraceable(LoadedImage image, boolean replace)
      throws TraceLayerException {
    if (!replace) {
      TraceLayer.requireNone(image.name(), image.manifest());
    }
  }

  /**
   * Puts a trace on top of {@code base}, in place of the one it may have.
   *
   * @param now goes into the new config as its time of creation
   */
  public Built addTrace(LoadedImage base, List<Access> trace, ImageStore.Target target, Instant now)
      throws IOException {
    return save(Draft.over(base).withTrace(Optional.of(trace), Runs.NONE, now), target);
  }

  /**
   * Puts what is recorded of {@code base} on top of it, in place of what it may have.
   *
   * @param trace empty: made of what all runs read
   * @param runs at least one
   * @param now goes into the new config as its time of creation
   */
  public Built addRuns(
      LoadedImage base, Optional<Trace> trace, Runs runs, ImageStore.Target target, Instant now)
      throws IOException {
    return save(Draft.over(base).withTrace(trace, runs, now), target);
  }

  /**
   * What an image brings along of what was recorded of it; nothing if that is damaged.
   *
   * @throws IOException if it cannot be had
   */
  public static Recordings recordings(LoadedImage image) throws IOException {
    Optional<Descriptor> layer = TraceLayer.find(image.name(), image.manifest());
    try {
      return layer.isPresent()
          ? TraceLayer.load(image.holderOf(layer.get()), layer.get())
          : Recordings.NONE;
    } catch (FormatException | TraceFormatException damaged) {
      return Recordings.NONE;
    }
  }

  /**
   * Refuses an image whose topmost data layer is a hot layer, unless that may be replaced.
   *
   * @throws IOException also if it has a trace layer where none may be
   */
  public static void requireNoHotLayer(LoadedImage image, boolean replace) throws IOException {
    if (!replace && HotLayer.isOnTop(Draft.over(image).manifest().layers())) {
      throw new IOException(
          image.name() + ": has a hot layer already; --replace makes a new one in its place");
    }
  }

  /**
   * An image with a hot layer. Sizes are bytes.
   *
   * @param built the image; {@link Built#layerBytes} is the hot layer's blob
   * @param dataBytes what the layer repeats, uncompressed
   * @param ranges of the disk it consists of, in its order
   * @param belowBytes of the blobs of the layers below it
   * @param hotLayerRemoved whether it took the place of another one
   */
  public record Hot(
      Built built, long dataBytes, int ranges, long belowBytes, boolean hotLayerRemoved) {}

  /**
   * Puts a layer on {@code base} that repeats what {@code trace} says was read of the disk, in that
   * order, and a trace on top that tells of the reads as they will be from then on. The disk stays
   * the same, byte for byte.
   *
   * @param base opened without a writable layer
   * @param trace of {@code base}; that of its own trace layer, which it takes the place of, or
   *     another
   * @param replace whether a hot layer that {@code base} has may give way
   * @param now goes into the new config as its time of creation
   * @throws IOException also if there is a hot layer and it may not give way, or it is none; if the
   *     trace is of another image, or reads nothing of this one
   */
  public Hot addHotLayer(
      BaseImage base,
      Trace trace,
      boolean replace,
      ImageStore.Target target,
      PackOptions options,
      Instant now)
      throws IOException {
    String name = base.image().name();
    requireNoHotLayer(base.image(), replace);
    LayerStack stack = base.disk().stack().orElseThrow();
    Draft draft = Draft.over(base.image());
    draft.requireTraceOfThis(trace);
    List<SealedLayer> layers = stack.layers();
    boolean removed = HotLayer.isOnTop(draft.manifest().layers());
    if (removed) {
      HotLayer.requireRepeats(layers);
      layers = layers.subList(0, layers.size() - 1);
      draft = draft.withoutHotLayer();
    }
    if (layers.size() == LayerStack.MAX_LAYERS) {
      throw new IOException(
          name + ": has " + layers.size() + " layers, and no image can have more");
    }
    FirstTouches touches = FirstTouches.of(stack, trace);
    if (touches.disk().isEmpty()) {
      throw new IOException(name + ": the trace reads nothing of the disk that could be repeated");
    }
    int number = layers.size();
    List<Access> opening =
        touches.opening().stream().filter(access -> access.layer() < number).toList();
    List<Descriptor> below = draft.manifest().layers();
    Manifest repeated = draft.manifest();
    UUID parent = layers.getLast().uuid();
    try (WorkDirectory work = WorkDirectory.open(temporary)) {
      long[] streamBytes = new long[1];
      LayerBlob blob =
          pack(
              work,
              options,
              out -> streamBytes[0] = HotLayer.write(stack, touches.disk(), repeated, parent, out));
      draft =
          draft
              .withLayer(HotLayer.marked(blob, below.getLast()), HotLayer.CREATED_BY, "")
              .withTrace(
                  Optional.of(HotLayer.trace(opening, number, touches.bytes(), streamBytes[0])),
                  Runs.NONE,
                  now);
      return new Hot(
          save(draft, target),
          touches.bytes(),
          touches.disk().size(),
          below.stream().mapToLong(Descriptor::size).sum(),
          removed);
    }
  }

  private LayerBlob pack(WorkDirectory work, PackOptions options, LayerPacker.LayerWriter layer)
      throws IOException {
    LayerBlob packed = LayerPacker.pack(work.path().resolve("layer"), options, layer);
    return packed.with(notes.of(packed).annotations());
  }

  private Built save(Draft draft, ImageStore.Target target) throws IOException {
    byte[] config = draft.config().toBytes();
    Manifest manifest =
        draft
            .manifest()
            .withConfig(
                new Descriptor(
                    draft.manifest().config().mediaType(), Digest.of(config), config.length));
    Descriptor saved = images.save(target, draft.base(), manifest, config, draft.fresh(), saving);
    return new Built(
        saved,
        target.name(),
        manifest.layers().size(),
        draft.layerBytes(),
        draft.traceRecords(),
        draft.traceRemoved());
  }
}
