package dev.obd.registry.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.Document;
import dev.obd.registry.ImageIndex;
import dev.obd.registry.Manifest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.Progress;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RemoteBlob;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OciLayoutTest {
  private static final int TAGS_EACH = 25;

  @TempDir Path directory;

  private OciLayout layout() {
    return new OciLayout(directory.resolve("layout"), RegistryClock.SYSTEM);
  }

  private static Descriptor blob(OciLayout to, String text) throws IOException {
    byte[] bytes = text.getBytes("UTF-8");
    var descriptor = new Descriptor(MediaTypes.OCI_LAYER, Digest.of(bytes), bytes.length);
    to.push(descriptor, () -> new ByteArrayInputStream(bytes), Progress.NONE);
    return descriptor;
  }

  private static Manifest image(OciLayout to, String text) throws IOException {
    return new Manifest(
        MediaTypes.OCI_MANIFEST, blob(to, "{\"n\":\"" + text + "\"}"), List.of(blob(to, text)));
  }

  private static Descriptor push(OciLayout to, String tag, Manifest manifest) throws IOException {
    return to.pushManifest(Optional.of(tag), manifest.mediaType(), manifest.toBytes());
  }

  private Path blobs() {
    return directory.resolve("layout/blobs/sha256");
  }

  @Test
  void entriesCarryAnnotations() throws IOException {
    OciLayout layout = layout();
    Manifest manifest = image(layout, "a");
    layout.pushManifest(
        Optional.of("v"),
        manifest.mediaType(),
        manifest.toBytes(),
        Map.of("dev.obd.origin", "h:1/a:v"));
    OciLayout.Entry entry = layout().list().get(0);
    assertThat(entry.tag()).contains("v");
    assertThat(entry.descriptor().annotation("dev.obd.origin")).contains("h:1/a:v");
    assertThat(layout.resolve("v")).contains(entry.descriptor());
  }

  @Test
  void readingWritesNothing() throws IOException {
    OciLayout layout = layout();
    assertThat(layout.list()).isEmpty();
    assertThat(layout.untag("v")).isFalse();
    assertThat(layout.gc(Duration.ZERO)).isZero();
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void aDirectoryOfOtherThingsIsLeftAlone() throws IOException {
    Files.createDirectories(directory.resolve("layout"));
    Files.writeString(directory.resolve("layout/thesis.txt"), "years of work");
    assertThatThrownBy(() -> blob(layout(), "x"))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED));
    assertThat(directory.resolve("layout")).isDirectoryContaining(f -> f.endsWith("thesis.txt"));
    assertThat(Files.list(directory.resolve("layout"))).hasSize(1);
  }

  @Test
  void aLayoutOfAnotherVersionIsRefused() throws IOException {
    Files.createDirectories(directory.resolve("layout"));
    Files.writeString(directory.resolve("layout/oci-layout"), "{\"imageLayoutVersion\":\"2.0.0\"}");
    assertThatThrownBy(() -> blob(layout(), "x")).hasMessageContaining("expected 1.x, got 2.0.0");
  }

  @Test
  void aDamagedBlobIsNeverReturnedWhole() throws IOException {
    OciLayout layout = layout();
    Descriptor descriptor = blob(layout, "some bytes");
    Path file = blobs().resolve(descriptor.digest().hex());
    Files.writeString(file, "sOme bytes");
    assertThatThrownBy(() -> layout.blob(descriptor, 100)).hasMessageContaining("digest");
    Files.writeString(file, "some byte");
    assertThatThrownBy(() -> layout.blob(descriptor, 100)).hasMessageContaining("size");
    assertThatThrownBy(() -> layout.open(descriptor)).hasMessageContaining("size");
    Files.writeString(file, "some bytes and more");
    assertThatThrownBy(() -> layout.blob(descriptor, 100)).hasMessageContaining("more");
    blob(layout, "some bytes"); // a blob of the wrong size is not there
    assertThat(layout.blob(descriptor, 100)).asString().isEqualTo("some bytes");
  }

  @Test
  void aDamagedIndexIsNamed() throws IOException {
    OciLayout layout = layout();
    push(layout, "v", image(layout, "a"));
    Files.writeString(directory.resolve("layout/index.json"), "{\"schemaVersion\":2");
    assertThatThrownBy(layout::tags)
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.BAD_ANSWER));
    assertThatThrownBy(() -> layout.gc(Duration.ZERO)).isInstanceOf(RegistryException.class);
  }

  @Test
  void aBlobOpenWhileItsReaderIsInterruptedServesOthers() throws Exception {
    OciLayout layout = layout();
    Descriptor descriptor = blob(layout, "some bytes");
    try (RemoteBlob blob = layout.open(descriptor)) {
      var interrupted =
          Thread.startVirtualThread(() -> {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> blob.read(0, ByteBuffer.allocate(4), Duration.ofSeconds(1)))
                .isInstanceOf(ClosedByInterruptException.class);
          });
      interrupted.join();
      ByteBuffer into = ByteBuffer.allocate(4);
      blob.read(0, into, Duration.ofSeconds(1));
      assertThat(new String(into.array(), "UTF-8")).isEqualTo("some");
    }
  }

  @Test
  void whatACrashedWriterLeftIsNoBlobAndIsCollected() throws IOException {
    OciLayout layout = layout();
    assertThatThrownBy(() ->
            layout.push(
                new Descriptor(MediaTypes.OCI_LAYER, Digest.of(new byte[9]), 9),
                () -> new Broken(),
                Progress.NONE))
        .hasMessage("the source broke");
    assertThat(Files.list(directory.resolve("layout/.obd.tmp"))).isEmpty();
    Path left = Files.writeString(directory.resolve("layout/.obd.tmp/left"), "half a blob");
    push(layout, "v", image(layout, "a"));
    assertThat(layout.gc(Duration.ofHours(1))).isZero();
    assertThat(left).exists();
    assertThat(layout.gc(Duration.ofSeconds(-1))).isEqualTo("half a blob".length());
    assertThat(left).doesNotExist();
  }

  private static final class Broken extends InputStream {
    private int left = 3;

    @Override
    public int read() throws IOException {
      if (left-- > 0) {
        return 'x';
      }
      throw new IOException("the source broke");
    }
  }

  @Test
  void onlyWhatNothingRefersToIsCollected() throws IOException {
    OciLayout layout = layout();
    Manifest kept = image(layout, "kept");
    Descriptor target = blob(layout, "the original layer");
    Descriptor turbo =
        kept.layers()
            .get(0)
            .withAnnotations(
                Map.of(
                    "containerd.io/snapshot/overlaybd/turbo-oci/target-digest",
                    target.digest().value()));
    kept = kept.withLayers(List.of(turbo));
    Descriptor child = layout.pushManifest(Optional.empty(), kept.mediaType(), kept.toBytes());
    var index =
        new ImageIndex(
            MediaTypes.OCI_INDEX,
            Optional.empty(),
            List.of(new ImageIndex.Entry(child, Optional.empty())),
            Optional.empty(),
            Map.of(),
            Map.of());
    layout.pushManifest(Optional.of("multi"), MediaTypes.OCI_INDEX, index.toBytes());
    push(layout, "dead", image(layout, "dead"));
    Descriptor orphan = blob(layout, "orphan");

    assertThat(layout.untag("dead")).isTrue();
    assertThat(count()).isEqualTo(9);
    assertThat(layout.gc(Duration.ofHours(1))).isZero();
    assertThat(layout.gc(Duration.ofSeconds(-1))).isPositive();
    assertThat(layout.has(orphan.digest())).isFalse();
    assertThat(layout.has(target.digest())).isTrue();
    assertThat(layout.has(kept.config().digest())).isTrue();
    assertThat(layout.manifest(child.digest().value()).bytes()).isEqualTo(kept.toBytes());
    assertThat(count()).isEqualTo(5);
  }

  @Test
  void aLinkedBlobIsYoungUntilItsManifestComes() throws IOException {
    var other = new OciLayout(directory.resolve("other"), RegistryClock.SYSTEM);
    Descriptor shared = blob(other, "shared");
    Path old = directory.resolve("other/blobs/sha256").resolve(shared.digest().hex());
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofDays(1))));
    OciLayout layout = layout();
    assertThat(layout.mount(shared, other)).isTrue();
    assertThat(layout.gc(Duration.ofHours(1))).isZero();
    assertThat(layout.has(shared.digest())).isTrue();
  }

  private long count() throws IOException {
    try (Stream<Path> files = Files.list(blobs())) {
      return files.count();
    }
  }

  @Test
  void aDamagedManifestStopsTheCollection() throws IOException {
    OciLayout layout = layout();
    Descriptor manifest = push(layout, "v", image(layout, "a"));
    Descriptor orphan = blob(layout, "orphan");
    Files.writeString(blobs().resolve(manifest.digest().hex()), "{\"schemaVersion\":2}");
    assertThatThrownBy(() -> layout.gc(Duration.ofSeconds(-1)))
        .isInstanceOf(RegistryException.class);
    assertThat(layout.has(orphan.digest())).isTrue();
  }

  @Test
  void aManifestMayNameBlobsThatAreNotHere() throws IOException {
    OciLayout layout = layout();
    var elsewhere = new Descriptor(MediaTypes.OCI_LAYER, Digest.of(new byte[1]), 1);
    Manifest manifest =
        new Manifest(MediaTypes.OCI_MANIFEST, blob(layout, "{}"), List.of(elsewhere));
    push(layout, "lazy", manifest);
    assertThat(Manifest.parse(layout.manifest("lazy"))).isEqualTo(manifest);
    assertThat(layout.has(elsewhere.digest())).isFalse();
    assertThatThrownBy(() -> layout.open(elsewhere))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
  }

  /** Another process of the test below. */
  static final class Writer {
    public static void main(String[] args) throws IOException {
      var layout = new OciLayout(Path.of(args[0]), RegistryClock.SYSTEM);
      for (int i = 0; i < TAGS_EACH; i++) {
        push(layout, args[1] + i, image(layout, args[1] + i));
      }
    }
  }

  @Test
  void twoProcessesAndTwoThreadsLoseNoTag() throws Exception {
    Path where = directory.resolve("layout");
    var processes = List.of(start("x", where), start("y", where));
    var threads =
        Stream.of("p", "q")
            .map(name ->
                Thread.ofVirtual()
                    .start(() -> {
                      try {
                        Writer.main(new String[] {where.toString(), name});
                      } catch (IOException e) {
                        throw new AssertionError(e);
                      }
                    }))
            .toList();
    for (Thread thread : threads) {
      thread.join();
    }
    for (Process process : processes) {
      String output = new String(process.getInputStream().readAllBytes(), "UTF-8");
      assertThat(process.waitFor()).describedAs(output).isZero();
    }
    assertThat(layout().tags()).hasSize(4 * TAGS_EACH);
    for (OciLayout.Entry entry : layout().list()) {
      Document document = layout().manifest(entry.descriptor().digest().value());
      assertThat(document.descriptor().digest()).isEqualTo(entry.descriptor().digest());
    }
  }

  private static Process start(String name, Path where) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Writer.class.getName(),
            where.toString(),
            name)
        .redirectErrorStream(true)
        .start();
  }
}
