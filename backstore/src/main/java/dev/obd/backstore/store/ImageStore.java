package dev.obd.backstore.store;

import dev.obd.registry.BlobContent;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.Document;
import dev.obd.registry.ImageConfig;
import dev.obd.registry.ImageReference;
import dev.obd.registry.Manifest;
import dev.obd.registry.OverlaybdAnnotations;
import dev.obd.registry.Platform;
import dev.obd.registry.Progress;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.RegistryException;
import dev.obd.registry.Repository;
import dev.obd.registry.client.BlobCopies;
import dev.obd.registry.client.CopyOptions;
import dev.obd.registry.client.Images;
import dev.obd.registry.client.Opened;
import dev.obd.registry.client.Repositories;
import dev.obd.registry.layout.OciLayout;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * Loads images by name, and keeps the local store: an OCI layout whose tags are whole references,
 * and which may leave layers in the registry they came from. Thread-safe.
 *
 * <p>A name is {@code oci:DIR[:tag]} for a layout, or a reference, which means the store's image of
 * that name or else the registry's.
 */
public final class ImageStore {
  /** On an entry of the store's index: the repository that has the blobs the store lacks. */
  public static final String ORIGIN = "dev.obd.origin";

  /** A blob whose manifest is not written yet must survive a collection that runs meanwhile. */
  private static final Duration GARBAGE_AGE = Duration.ofHours(1);

  private static final String LAYOUT = "oci:";
  private static final int PARALLEL_COPIES = 4;

  private final OciLayout store;
  private final Repositories repositories;
  private final Platform platform;
  private final Executor executor;

  /**
   * @param directory the store; made when something is saved
   * @param repositories stays the caller's
   * @param executor copies blobs, a few at a time
   */
  public ImageStore(
      Path directory,
      Repositories repositories,
      RegistryClock clock,
      Platform platform,
      Executor executor) {
    this.store = new OciLayout(directory, clock);
    this.repositories = repositories;
    this.platform = platform;
    this.executor = executor;
  }

  /**
   * Where a new image goes.
   *
   * @param lazy whether layers may stay in the registry they are in
   */
  public record Target(String name, OciLayout layout, Optional<String> tag, boolean lazy) {}

  /** What an entry of the local store is. */
  public sealed interface Listed {
    String name();

    /** The manifest's. */
    Descriptor descriptor();
  }

  /**
   * An image of the local store.
   *
   * @param localBytes how much of its layers lies in the store
   */
  public record Stored(LoadedImage image, long localBytes) implements Listed {
    @Override
    public String name() {
      return image.name();
    }

    @Override
    public Descriptor descriptor() {
      return image.descriptor();
    }
  }

  /** An entry whose manifest or config cannot be read. It can be removed, or pulled again. */
  public record Damaged(String name, Descriptor descriptor, IOException problem)
      implements Listed {}

  /**
   * Loads an image.
   *
   * @throws IllegalArgumentException if {@code name} is not well-formed
   */
  public LoadedImage load(String name) throws IOException {
    if (name.startsWith(LAYOUT)) {
      Opened opened = repositories.open(name);
      return read(name, opened.repository(), Optional.empty(), opened.tagOrDigest());
    }
    ImageReference reference = ImageReference.parse(name);
    Optional<LoadedImage> local = find(reference);
    if (local.isPresent()) {
      return local.get();
    }
    try {
      return inRegistry(reference);
    } catch (RegistryException e) {
      throw new RegistryException(
          e.kind(),
          e.status(),
          reference + " is not in the local store, and its registry: " + e.getMessage(),
          e);
    }
  }

  /**
   * Loads an image that is on this machine: of a layout or of the store.
   *
   * @throws RegistryException of kind NOT_FOUND if the store has none of that name
   * @throws IllegalArgumentException if {@code name} is not well-formed
   */
  public LoadedImage local(String name) throws IOException {
    if (name.startsWith(LAYOUT)) {
      return load(name);
    }
    ImageReference reference = ImageReference.parse(name);
    return find(reference)
        .orElseThrow(() ->
            new RegistryException(
                RegistryException.Kind.NOT_FOUND,
                0,
                reference + ": no such image in the local store " + store.directory(),
                null));
  }

  /** The store's image of that name. */
  public Optional<LoadedImage> find(ImageReference reference) throws IOException {
    String name = reference.toString();
    for (OciLayout.Entry entry : store.list()) {
      if (entry.tag().filter(name::equals).isPresent()) {
        return Optional.of(stored(name, entry));
      }
    }
    return Optional.empty();
  }

  private LoadedImage stored(String name, OciLayout.Entry entry) throws IOException {
    return read(
        name, store, entry.descriptor().annotation(ORIGIN), entry.descriptor().digest().value());
  }

  /** Loads an image from its registry, whatever the store has. */
  public LoadedImage inRegistry(ImageReference reference) throws IOException {
    return read(
        reference.toString(),
        repositories.repository(reference),
        Optional.empty(),
        reference.tagOrDigest());
  }

  private LoadedImage read(
      String name, Repository home, Optional<String> originName, String tagOrDigest)
      throws IOException {
    Optional<LoadedImage.Origin> origin =
        originName.map(
            o -> new LoadedImage.Origin(o, repositories.repository(ImageReference.parse(o))));
    Images.Image image = Images.read(home, tagOrDigest, platform);
    return new LoadedImage(
        name, home, origin, image.document().descriptor(), image.manifest(), image.config(home));
  }

  /**
   * Where an image called {@code name} is saved: a layout keeps every blob, the store may leave
   * them in their registry.
   *
   * @throws IllegalArgumentException if {@code name} is not well-formed
   */
  public Target target(String name) throws IOException {
    if (name.startsWith(LAYOUT)) {
      Opened opened = repositories.open(name);
      return new Target(
          name,
          (OciLayout) opened.repository(),
          opened.tag().or(() -> Optional.of("latest")),
          false);
    }
    return storeTarget(ImageReference.parse(name), true);
  }

  private Target storeTarget(ImageReference reference, boolean lazy) {
    return new Target(reference.toString(), store, Optional.of(reference.toString()), lazy);
  }

  /**
   * Saves an image: blobs first and what names them last. What is new comes from {@code fresh}, the
   * rest from {@code base}.
   *
   * @param fresh content of blobs that are in no repository yet, by digest
   * @return the new manifest's descriptor
   */
  public Descriptor save(
      Target target,
      Optional<LoadedImage> base,
      Manifest manifest,
      byte[] config,
      Map<Digest, ? extends BlobContent> fresh,
      Progress progress)
      throws IOException {
    return save(target, base, manifest, manifest.toDocument(), config, fresh, progress);
  }

  /**
   * As above.
   *
   * @param document of {@code manifest}: of an image that is only copied, its own bytes, because
   *     written anew they may not have its digest
   */
  private Descriptor save(
      Target target,
      Optional<LoadedImage> base,
      Manifest manifest,
      Document document,
      byte[] config,
      Map<Digest, ? extends BlobContent> fresh,
      Progress progress)
      throws IOException {
    List<Descriptor> copied = new ArrayList<>();
    boolean lazy = false;
    for (Descriptor layer : manifest.layers()) {
      BlobContent content = fresh.get(layer.digest());
      if (content != null) {
        target.layout().push(layer, content, progress);
      } else if (!target.layout().has(layer.digest())) {
        LoadedImage from =
            base.orElseThrow(
                () -> new IllegalStateException("no source for blob " + layer.digest()));
        if (target.lazy() && from.isRemote(layer) && !OverlaybdAnnotations.isAcceleration(layer)) {
          lazy = true;
        } else {
          copied.add(layer);
        }
      }
    }
    if (!copied.isEmpty()) {
      copy(base.orElseThrow(), copied, target.layout(), progress);
    }
    target.layout().push(manifest.config(), () -> new ByteArrayInputStream(config), Progress.NONE);
    Map<String, String> annotations =
        lazy
            ? Map.of(ORIGIN, base.flatMap(LoadedImage::registryRepository).orElseThrow())
            : Map.of();
    return target
        .layout()
        .pushManifest(
            target.tag(), document.descriptor().mediaType(), document.bytes(), annotations);
  }

  private void copy(LoadedImage from, List<Descriptor> layers, Repository to, Progress progress)
      throws IOException {
    Map<Repository, List<Descriptor>> byHolder = new LinkedHashMap<>();
    for (Descriptor layer : layers) {
      byHolder.computeIfAbsent(from.holderOf(layer), h -> new ArrayList<>()).add(layer);
    }
    for (Map.Entry<Repository, List<Descriptor>> group : byHolder.entrySet()) {
      CopyOptions options =
          new CopyOptions(PARALLEL_COPIES, executor, Optional.of(platform), false, progress);
      new BlobCopies(group.getKey(), to, options).run(group.getValue());
    }
  }

  /** Brings an image's manifest, config and trace into the store; layers stay where they are. */
  public LoadedImage pull(ImageReference reference, Progress progress) throws IOException {
    copy(inRegistry(reference), storeTarget(reference, true), progress);
    return find(reference).orElseThrow();
  }

  /**
   * Makes the store's image of that name one that needs no registry. Layers that are not here yet
   * are copied.
   */
  public LoadedImage complete(ImageReference reference, Progress progress) throws IOException {
    copy(find(reference).orElseThrow(), storeTarget(reference, false), progress);
    return find(reference).orElseThrow();
  }

  /** The layout behind this store. */
  public OciLayout layout() {
    return store;
  }

  private static Document documentOf(LoadedImage image) throws IOException {
    return image.home().manifest(image.descriptor().digest().value());
  }

  private static byte[] configOf(LoadedImage image) throws IOException {
    return image.home().blob(image.manifest().config(), ImageConfig.MAX_BYTES);
  }

  /**
   * Uploads an image to a registry; blobs that are there, or can be mounted there, are not sent.
   */
  public Descriptor push(LoadedImage image, ImageReference destination, Progress progress)
      throws IOException {
    try (Repository to = repositories.repository(destination)) {
      copy(image, image.manifest().layers(), to, progress);
      byte[] config = configOf(image);
      to.push(image.manifest().config(), () -> new ByteArrayInputStream(config), Progress.NONE);
      Document document = documentOf(image);
      return to.pushManifest(
          destination.tag(), document.descriptor().mediaType(), document.bytes());
    }
  }

  /**
   * The registry's repository that an image came from, or that its name says.
   *
   * @throws IllegalArgumentException if its name is not a reference
   */
  public Repository registryOf(LoadedImage image) {
    return repositories.repository(
        ImageReference.parse(image.registryRepository().orElse(image.name())));
  }

  /** Everything in the local store, in the order it was saved. */
  public List<Listed> list() throws IOException {
    List<Listed> all = new ArrayList<>();
    for (OciLayout.Entry entry : store.list()) {
      String name = entry.tag().orElse(entry.descriptor().digest().value());
      try {
        LoadedImage image = stored(name, entry);
        all.add(new Stored(image, localBytes(image)));
      } catch (IOException e) {
        all.add(new Damaged(name, entry.descriptor(), e));
      }
    }
    return all;
  }

  private long localBytes(LoadedImage image) throws IOException {
    long local = 0;
    for (Descriptor layer : image.manifest().layers()) {
      local += store.has(layer.digest()) ? layer.size() : 0;
    }
    return local;
  }

  /** Saves {@code image} under another name, with what {@code target} cannot do without. */
  public void copy(LoadedImage image, Target target, Progress progress) throws IOException {
    save(
        target,
        Optional.of(image),
        image.manifest(),
        documentOf(image),
        configOf(image),
        Map.of(),
        progress);
  }

  /**
   * Removes a name from the store, and the blobs nothing refers to any more. Blobs of the last hour
   * stay until a later removal: a manifest that names them may be on its way.
   *
   * @return bytes freed; empty if there was no such name
   */
  public Optional<Long> remove(ImageReference name) throws IOException {
    return store.untag(name.toString()) ? Optional.of(store.gc(GARBAGE_AGE)) : Optional.empty();
  }
}
