package dev.obd.backstore.image;

import dev.obd.backstore.config.ConfigException;
import dev.obd.backstore.config.DeviceConfig;
import dev.obd.backstore.config.DeviceConfig.Lower;
import dev.obd.backstore.config.DeviceConfigReader;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.prefetch.LocalRuns;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.prefetch.TraceLayer;
import dev.obd.backstore.source.RemoteSource;
import dev.obd.backstore.store.ImageStore;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.registry.BlobStore;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.ObdAnnotations;
import dev.obd.registry.OverlaybdAnnotations;
import dev.obd.registry.RegistryException;
import dev.obd.registry.Repository;
import dev.obd.registry.client.Repositories;
import dev.obd.registry.layout.OciLayout;
import dev.obd.trace.FileList;
import dev.obd.trace.TracePath;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Turns what a user names into a plan: an image, an overlaybd configuration, or a single layer
 * file.
 */
public final class ImagePlans {
  private static final Logger log = LogManager.getLogger(ImagePlans.class);
  private static final List<String> LOCAL_NAMES =
      List.of("overlaybd.commit", ".commit", "overlaybd.sealed");

  private final ImageStore images;
  private final Repositories repositories;
  private final Optional<LocalRuns> local;

  public ImagePlans(ImageStore images, Repositories repositories) {
    this(images, repositories, Optional.empty());
  }

  private ImagePlans(ImageStore images, Repositories repositories, Optional<LocalRuns> local) {
    this.images = images;
    this.repositories = repositories;
    this.local = local;
  }

  /** Plans like these, that know what was recorded on this machine, too. */
  public ImagePlans withLocalRuns(LocalRuns runs) {
    return new ImagePlans(images, repositories, Optional.of(runs));
  }

  /** What a user named. */
  public sealed interface Source {
    ImagePlan plan();

    /** An image with a manifest. */
    record Stored(LoadedImage image, ImagePlan plan) implements Source {}

    /** An overlaybd {@code config.v1.json}. */
    record Configured(DeviceConfig config, ImagePlan plan) implements Source {}

    /** One layer file. */
    record LayerFile(Path file, ImagePlan plan) implements Source {}
  }

  /**
   * Resolves {@code source}: an existing file is a configuration (JSON) or a layer, anything else
   * is an image's name.
   *
   * @throws IllegalArgumentException if it is neither a file nor a well-formed name
   */
  public Source resolve(String source) throws IOException {
    Path path = source.startsWith("oci:") ? null : Path.of(source);
    if (path != null && Files.isRegularFile(path)) {
      return isJson(path) ? configured(path) : layer(path);
    }
    if (path != null
        && (path.isAbsolute() || source.startsWith("./") || source.startsWith("../"))) {
      throw new java.nio.file.NoSuchFileException(source);
    }
    LoadedImage image = images.load(source);
    return new Source.Stored(image, plan(image));
  }

  private static boolean isJson(Path path) throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      int c = in.read();
      while (Character.isWhitespace(c)) {
        c = in.read();
      }
      return c == '{';
    }
  }

  private static Source layer(Path path) {
    return new Source.LayerFile(
        path,
        new ImagePlan(
            path.toString(),
            List.of(LayerOrigin.file(path)),
            new TraceUse.None(),
            Optional.empty()));
  }

  private Source configured(Path path) throws IOException {
    // Relative paths are relative to the file, so that a folder can be moved; overlaybd takes the
    // process's directory.
    Path base = Objects.requireNonNull(path.toAbsolutePath().getParent(), "a file has a folder");
    DeviceConfig config = DeviceConfigReader.read(path, base);
    if (!config.unknownKeys().isEmpty()) {
      log.warn("config.unknown_keys file={} keys={}", path, config.unknownKeys());
    }
    return new Source.Configured(config, plan(path.toString(), config));
  }

  /** The plan of an image with a manifest. */
  public ImagePlan plan(LoadedImage image) throws IOException {
    Optional<Descriptor> trace = TraceLayer.find(image.name(), image.manifest());
    List<LayerOrigin> lowers = new ArrayList<>();
    List<Descriptor> layers = image.manifest().layers();
    for (int i = 0; i < layers.size() - (trace.isPresent() ? 1 : 0); i++) {
      Descriptor layer = layers.get(i);
      if (!OverlaybdAnnotations.isOverlaybd(layer)) {
        throw new RegistryException(
            RegistryException.Kind.REFUSED,
            0,
            image.name()
                + ": layer "
                + i
                + " ("
                + layer.digest()
                + ", "
                + layer.mediaType()
                + ") is not an overlaybd layer: expected the annotation "
                + OverlaybdAnnotations.BLOB_DIGEST,
            null);
      }
      if (OverlaybdAnnotations.targetDigest(layer).isPresent()) {
        throw new RegistryException(
            RegistryException.Kind.REFUSED,
            0,
            image.name() + ": layer " + i + " is a turboOCI layer, which this version cannot open",
            null);
      }
      lowers.add(origin(image, layer));
    }
    hottest(layers.subList(0, lowers.size())).ifPresent(i -> lowers.set(i, lowers.get(i).asHot()));
    return new ImagePlan(image.name(), lowers, use(image, trace), Optional.empty());
  }

  private TraceUse use(LoadedImage image, Optional<Descriptor> trace) {
    Digest digest = image.descriptor().digest();
    Optional<LocalRuns> here = local.filter(runs -> runs.has(digest));
    if (here.isEmpty()) {
      return trace
          .<TraceUse>map(t -> new TraceUse.Replay(() -> TraceLayer.load(image.holderOf(t), t)))
          .orElseGet(TraceUse.None::new);
    }
    return new TraceUse.Replay(() -> {
      Recordings brought =
          trace.isPresent()
              ? orNone(
                  image,
                  "the image's trace",
                  () -> TraceLayer.load(image.holderOf(trace.get()), trace.get()))
              : Recordings.NONE;
      return brought.and(
          orNone(image, "what was recorded here", () -> Recordings.of(here.get().of(digest))));
    });
  }

  /** Where there are two places to look, one of them will do; that it is not all is noted. */
  private static Recordings orNone(
      LoadedImage image, String what, ImagePlan.Loader<Recordings> loader) {
    try {
      return loader.load();
    } catch (IOException e) {
      log.warn("trace.unusable image={} reason={}", image.name(), e.toString());
      return Recordings.NONE.without(what, e);
    }
  }

  /**
   * The topmost hot layer: it knows of those below it, and hides what it has in common with them.
   */
  private static Optional<Integer> hottest(List<Descriptor> layers) {
    for (int i = layers.size() - 1; i >= 0; i--) {
      if (ObdAnnotations.isHot(layers.get(i))) {
        return Optional.of(i);
      }
    }
    return Optional.empty();
  }

  static LayerOrigin origin(LoadedImage image, Descriptor layer) throws IOException {
    Repository holder = image.holderOf(layer);
    LayerOrigin origin =
        holder instanceof OciLayout layout
            ? new LayerOrigin(
                    layer.digest().toString(),
                    Optional.of(layer.digest()),
                    Optional.empty(),
                    () -> new RemoteSource(holder.open(layer)))
                .in(layout.blobFile(layer.digest()))
            : LayerOrigin.remote(holder, layer, linkOf(holder.name()));
    return origin.hinted(LayerHints.of(layer));
  }

  /** The host part of a repository's name: what shares one link. */
  private static String linkOf(String repositoryName) {
    int slash = repositoryName.indexOf('/');
    return slash < 0 ? repositoryName : repositoryName.substring(0, slash);
  }

  /**
   * The plan of an overlaybd configuration.
   *
   * @param file names it in messages
   */
  public ImagePlan plan(String file, DeviceConfig config) throws IOException {
    List<Lower> lowers = config.lowers();
    TraceUse trace =
        config.recordTracePath().map(ImagePlans::traceAt).orElseGet(TraceUse.None::new);
    if (config.accelerationLayer() && !lowers.isEmpty()) {
      trace = accelerated(lowers.getLast());
      lowers = lowers.subList(0, lowers.size() - 1);
    }
    List<LayerOrigin> origins = new ArrayList<>();
    for (int i = 0; i < lowers.size(); i++) {
      origins.add(origin(file, "lowers[" + i + "]", config.repoBlobUrl(), lowers.get(i)));
    }
    Optional<ImagePlan.UpperFiles> upper = Optional.empty();
    if (config.upper().isPresent()) {
      DeviceConfig.Upper files = config.upper().get();
      if (files.target().isPresent()) {
        throw new ConfigException(
            file,
            "upper.target",
            "nothing: a turboOCI upper cannot be opened by this version",
            files.target().get());
      }
      upper = Optional.of(new ImagePlan.UpperFiles(files.data(), files.index()));
    }
    return new ImagePlan(file, origins, trace, upper);
  }

  /** A configured trace path: the file itself says what it is for. */
  private static TraceUse traceAt(Path path) {
    return switch (TracePath.detect(path)) {
      case TracePath.Disabled _ -> new TraceUse.None();
      case TracePath.Empty(Path file) -> new TraceUse.RecordInto(file);
      case TracePath.Recorded(Path file) -> new TraceUse.Replay(() -> Recordings.read(file));
      case TracePath.Listed(Path file) -> new TraceUse.Files(() -> FileList.read(file));
    };
  }

  /**
   * An unpacked trace layer: an empty or missing trace in it is ignored, nothing is recorded into
   * it.
   */
  private static TraceUse accelerated(Lower layer) {
    Optional<Path> dir = layer.dir();
    TraceUse use = dir.map(d -> traceAt(d.resolve("trace"))).orElseGet(TraceUse.None::new);
    if (dir.isPresent() && Files.isRegularFile(dir.get().resolve("runs"))) {
      return new TraceUse.Replay(() -> Recordings.unpacked(dir.get()));
    }
    return use instanceof TraceUse.RecordInto ? new TraceUse.None() : use;
  }

  private LayerOrigin origin(String file, String key, String repoBlobUrl, Lower lower)
      throws IOException {
    if (lower.isWarp()) {
      throw new ConfigException(
          file,
          key + ".targetFile",
          "nothing: turboOCI layers cannot be opened by this version",
          "a target");
    }
    Optional<Path> local = localFile(lower);
    if (local.isEmpty()) {
      LayerOrigin remote = remote(file, key, repoBlobUrl, lower);
      return lower.dir().isPresent() ? remote.keptIn(lower.dir().get()) : remote;
    }
    LayerOrigin copy = LayerOrigin.file(local.get());
    // Without a size the registry would have to be asked, for what is hardly ever needed.
    return lower.digest().isPresent() && lower.size() > 0 && !repoBlobUrl.isEmpty()
        ? copy.or(remote(file, key, repoBlobUrl, lower))
        : copy;
  }

  private LayerOrigin remote(String file, String key, String repoBlobUrl, Lower lower)
      throws IOException {
    if (lower.digest().isEmpty()) {
      throw new ConfigException(
          file,
          key,
          "an existing file, a dir with one of " + LOCAL_NAMES + ", or a digest",
          lower.file().or(lower::dir).map(Path::toString).orElse("none of them"));
    }
    if (repoBlobUrl.isEmpty()) {
      throw new ConfigException(
          file, "repoBlobUrl", "a URL, because " + key + " is not a local file", "nothing");
    }
    Digest digest;
    try {
      digest = new Digest(lower.digest().get());
    } catch (IllegalArgumentException e) {
      throw new ConfigException(
          file, key + ".digest", "sha256:<64 hex digits>", "'" + lower.digest().get() + "'");
    }
    BlobStore blobs = blobs(file, repoBlobUrl);
    long size = lower.size();
    if (size == 0) {
      size =
          blobs
              .blobSize(digest)
              .orElseThrow(() ->
                  new RegistryException(
                      RegistryException.Kind.NOT_FOUND,
                      404,
                      blobs.name() + ": no blob " + digest,
                      null));
    }
    return LayerOrigin.remote(
        blobs, new Descriptor(MediaTypes.OCI_LAYER, digest, size), linkOf(blobs, repoBlobUrl));
  }

  private static Optional<Path> localFile(Lower lower) {
    if (lower.file().filter(Files::exists).isPresent()) {
      return lower.file();
    }
    return lower
        .dir()
        .flatMap(dir -> LOCAL_NAMES.stream().map(dir::resolve).filter(Files::exists).findFirst());
  }

  private BlobStore blobs(String file, String repoBlobUrl) throws ConfigException {
    try {
      return repositories.blobs(repoBlobUrl);
    } catch (IllegalArgumentException e) {
      throw new ConfigException(
          file,
          "repoBlobUrl",
          "scheme://host/v2/<repository>/blobs, or another place of blobs",
          "'" + repoBlobUrl + "': " + e.getMessage());
    }
  }

  /** What shares a way: a host, or the place itself if it is not a host's. */
  private static String linkOf(BlobStore blobs, String repoBlobUrl) {
    return repoBlobUrl.startsWith("http") ? URI.create(repoBlobUrl).getAuthority() : blobs.name();
  }
}
