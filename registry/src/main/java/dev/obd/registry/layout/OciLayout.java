package dev.obd.registry.layout;

import dev.obd.registry.BlobContent;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.Document;
import dev.obd.registry.JsonFields;
import dev.obd.registry.Progress;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RemoteBlob;
import dev.obd.registry.Repository;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * An OCI image-layout directory as a repository. Several processes may use it at once. It may lack
 * blobs that its manifests name. Reading never writes; the first write makes the layout. Layout:
 * {@code docs/formats/oci.md}. Source: OCI image-spec 1.1 image-layout.md.
 */
public final class OciLayout implements Repository {
  private static final String MARKER = "oci-layout";
  private static final String INDEX = "index.json";
  private static final String TEMPORARIES = ".obd.tmp";
  private static final Duration LOCK_PATIENCE = Duration.ofSeconds(30);
  private static final int MAX_INDEX_BYTES = 64 << 20;

  private final Path directory;
  private final RegistryClock clock;

  /** An image the layout names. */
  public record Entry(Optional<String> tag, Descriptor descriptor) {}

  /** The layout in {@code directory}, which need not exist yet. */
  public OciLayout(Path directory, RegistryClock clock) {
    this.directory = directory.toAbsolutePath().normalize();
    this.clock = clock;
  }

  public Path directory() {
    return directory;
  }

  @Override
  public String name() {
    return "oci:" + directory;
  }

  /** All images, in the order of {@code index.json}. */
  public List<Entry> list() throws IOException {
    return index().descriptors().stream().map(d -> new Entry(LayoutIndex.tagOf(d), d)).toList();
  }

  @Override
  public Optional<Descriptor> resolve(String tagOrDigest) throws IOException {
    LayoutIndex index = index();
    if (!Digest.isDigest(tagOrDigest)) {
      return index.tagged(tagOrDigest);
    }
    var digest = new Digest(tagOrDigest);
    Optional<Descriptor> listed =
        index.descriptors().stream().filter(d -> d.digest().equals(digest)).findFirst();
    if (listed.isPresent()) {
      return listed;
    }
    OptionalLong size = blobSize(digest); // the manifest of one platform is named by an index only
    if (size.isEmpty() || size.getAsLong() > MAX_MANIFEST_BYTES) {
      return Optional.empty();
    }
    byte[] bytes = blob(new Descriptor("", digest, size.getAsLong()), MAX_MANIFEST_BYTES);
    return Optional.of(Document.of("", bytes).descriptor());
  }

  @Override
  public Document manifest(String tagOrDigest) throws IOException {
    Descriptor named = resolve(tagOrDigest).orElseThrow(() -> notFound("no image " + tagOrDigest));
    byte[] bytes = blob(named, MAX_MANIFEST_BYTES);
    return Document.of(named.mediaType(), bytes);
  }

  @Override
  public byte[] blob(Descriptor descriptor, int maxBytes) throws IOException {
    if (descriptor.size() > maxBytes) {
      throw failure(
          Kind.REFUSED,
          "%s: expected at most %d bytes, got %d"
              .formatted(descriptor.digest(), maxBytes, descriptor.size()));
    }
    try (InputStream in = stream(descriptor)) {
      byte[] bytes = in.readNBytes((int) descriptor.size());
      in.read(); // past the end: an empty blob is verified there
      return bytes;
    }
  }

  @Override
  public RemoteBlob open(Descriptor descriptor) throws IOException {
    try {
      return new FileBlob(descriptor, file(descriptor.digest()));
    } catch (NoSuchFileException e) {
      throw notFound("no blob " + descriptor.digest());
    }
  }

  @Override
  public InputStream stream(Descriptor descriptor) throws IOException {
    Path file = file(descriptor.digest());
    try {
      return new VerifiedStream(Files.newInputStream(file), descriptor, file);
    } catch (NoSuchFileException e) {
      throw notFound("no blob " + descriptor.digest());
    }
  }

  @Override
  public OptionalLong blobSize(Digest digest) throws IOException {
    try {
      return OptionalLong.of(Files.size(file(digest)));
    } catch (NoSuchFileException e) {
      return OptionalLong.empty();
    }
  }

  @Override
  public void push(Descriptor descriptor, BlobContent content, Progress progress)
      throws IOException {
    prepare();
    if (!isHereAndYoung(descriptor)) {
      store(descriptor, content, progress);
    }
    progress.at(descriptor.size(), descriptor.size());
  }

  /**
   * A blob we need is made young again, so that no collection takes it before its manifest comes.
   */
  private boolean isHereAndYoung(Descriptor descriptor) throws IOException {
    Path file = file(descriptor.digest());
    try {
      Files.setLastModifiedTime(file, FileTime.from(clock.wallTime()));
      return Files.size(file) == descriptor.size();
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private void store(Descriptor descriptor, BlobContent content, Progress progress)
      throws IOException {
    MessageDigest hasher = Digest.hasher();
    byte[] buffer = new byte[1 << 16];
    long size = 0;
    try (InputStream in = content.open();
        DurableFile file = new DurableFile(temporaries())) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        size += n;
        if (size > descriptor.size()) {
          break;
        }
        hasher.update(buffer, 0, n);
        file.write(buffer, 0, n);
        progress.at(size, descriptor.size());
      }
      Digest actual = Digest.finish(hasher);
      if (size != descriptor.size() || !actual.equals(descriptor.digest())) {
        throw failure(
            Kind.REFUSED,
            "content of %s: expected %d bytes of that digest, got %s%d bytes of %s"
                .formatted(
                    descriptor.digest(),
                    descriptor.size(),
                    size > descriptor.size() ? "at least " : "",
                    size,
                    actual));
      }
      file.publish(file(descriptor.digest()));
    }
  }

  /** Links a blob of another layout on the same file system. */
  @Override
  public boolean mount(Descriptor descriptor, Repository from) throws IOException {
    if (!(from instanceof OciLayout other) || !other.has(descriptor.digest())) {
      return false;
    }
    prepare();
    if (isHereAndYoung(descriptor)) {
      return true;
    }
    Path source = other.file(descriptor.digest());
    if (Files.size(source) != descriptor.size()) {
      return false;
    }
    try {
      // First, and of the source, for the link has the source's age: born old it could be
      // collected before its manifest comes.
      Files.setLastModifiedTime(source, FileTime.from(clock.wallTime()));
      Files.createLink(file(descriptor.digest()), source);
    } catch (FileAlreadyExistsException e) {
      return isHereAndYoung(descriptor); // somebody else was faster, or it is damaged
    } catch (IOException | UnsupportedOperationException e) {
      return false; // another file system, or one without links: the bytes can be copied
    }
    DurableFile.flushDirectory(blobs());
    return true;
  }

  @Override
  public Descriptor pushManifest(Optional<String> tag, String mediaType, byte[] bytes)
      throws IOException {
    return pushManifest(tag, mediaType, bytes, Map.of());
  }

  /** As above; the entry in {@code index.json} gets these annotations. */
  public Descriptor pushManifest(
      Optional<String> tag, String mediaType, byte[] bytes, Map<String, String> annotations)
      throws IOException {
    if (bytes.length > MAX_MANIFEST_BYTES) {
      throw failure(
          Kind.REFUSED,
          "manifest: expected at most %d bytes, got %d"
              .formatted(MAX_MANIFEST_BYTES, bytes.length));
    }
    var descriptor = new Descriptor(mediaType, Digest.of(bytes), bytes.length);
    push(descriptor, () -> new java.io.ByteArrayInputStream(bytes), Progress.NONE);
    return locked(() -> {
      replaceIndex(index().with(tag, descriptor, annotations));
      return descriptor;
    });
  }

  /** Where the blob lies, or is to lie. A writer makes it appear there whole and verified. */
  public Path blobFile(Digest digest) {
    return file(digest);
  }

  /**
   * Where a blob may be put together; on the file system of {@link #blobFile}. Left behind it is
   * removed by {@link #gc}.
   */
  public Path partFile(Digest digest) {
    return temporaries().resolve(digest.hex() + ".part");
  }

  @Override
  public List<String> tags() throws IOException {
    return list().stream().flatMap(e -> e.tag().stream()).distinct().sorted().toList();
  }

  /** Removes a tag; the blobs stay until {@link #gc}. */
  @Override
  public boolean untag(String tag) throws IOException {
    if (index().tagged(tag).isEmpty()) {
      return false;
    }
    return locked(() -> {
      LayoutIndex before = index();
      replaceIndex(before.without(tag));
      return before.tagged(tag).isPresent();
    });
  }

  /**
   * Removes blobs that no image here refers to, and what crashed writers left behind.
   *
   * @param age younger files stay: their manifest may be on its way
   * @return bytes freed
   * @throws RegistryException if a manifest is damaged: then nothing is removed
   */
  public long gc(Duration age) throws IOException {
    if (!Files.isDirectory(blobs())) {
      return 0;
    }
    return locked(() -> {
      var garbage = new Garbage(blobs());
      garbage.mark(index().descriptors());
      return garbage.sweep(temporaries(), clock.wallTime(), age);
    });
  }

  @Override
  public void close() {}

  private LayoutIndex index() throws IOException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(directory.resolve(INDEX))) {
      bytes = in.readNBytes(MAX_INDEX_BYTES + 1);
    } catch (NoSuchFileException e) {
      return LayoutIndex.empty();
    }
    if (bytes.length > MAX_INDEX_BYTES) {
      throw failure(Kind.REFUSED, INDEX + ": expected at most " + MAX_INDEX_BYTES + " bytes");
    }
    return LayoutIndex.parse(bytes);
  }

  private void replaceIndex(LayoutIndex index) throws IOException {
    publish(directory.resolve(INDEX), index.toBytes());
  }

  private void publish(Path name, byte[] bytes) throws IOException {
    try (DurableFile file = new DurableFile(temporaries())) {
      file.write(bytes, 0, bytes.length);
      file.publish(name);
    }
  }

  /** Makes the layout if it is not there. A directory with other things in it is left alone. */
  private void prepare() throws IOException {
    Path marker = directory.resolve(MARKER);
    if (!Files.exists(marker)) {
      // Looked for again: another writer may have made the layout since.
      if (Files.isDirectory(directory) && holdsOtherThings() && !Files.exists(marker)) {
        throw failure(Kind.REFUSED, "not an image layout, and not empty");
      }
      Files.createDirectories(blobs());
      publish(marker, "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(StandardCharsets.UTF_8));
    }
    checkVersion(marker);
    Files.createDirectories(blobs());
  }

  private void checkVersion(Path marker) throws IOException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(marker)) {
      bytes = in.readNBytes(1 << 16);
    }
    String version =
        JsonFields.parse(marker.toString(), bytes).requiredString("imageLayoutVersion");
    if (!version.startsWith("1.")) {
      throw failure(Kind.REFUSED, "imageLayoutVersion: expected 1.x, got " + version);
    }
  }

  private boolean holdsOtherThings() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.anyMatch(f ->
          !List.of(LayoutLock.FILE, TEMPORARIES, "blobs")
              .contains(String.valueOf(f.getFileName())));
    }
  }

  private interface Change<T> {
    T make() throws IOException;
  }

  private <T> T locked(Change<T> change) throws IOException {
    LayoutLock held = LayoutLock.take(directory, clock, LOCK_PATIENCE);
    try {
      return change.make();
    } finally {
      held.close();
    }
  }

  private Path blobs() {
    return directory.resolve("blobs").resolve("sha256");
  }

  private Path temporaries() {
    return directory.resolve(TEMPORARIES);
  }

  private Path file(Digest digest) {
    return blobs().resolve(digest.hex());
  }

  private RegistryException notFound(String what) {
    return failure(Kind.NOT_FOUND, what);
  }

  private RegistryException failure(Kind kind, String what) {
    return new RegistryException(kind, 0, name() + ": " + what, null);
  }
}
