package dev.obd.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.RegistryException.Kind;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every {@link Repository} does. */
public abstract class RepositoryContract {
  protected static final Duration PATIENCE = Duration.ofSeconds(20);

  /** A repository of its own for this test; the same name gives the same one. */
  protected abstract Repository repository(String name) throws IOException;

  /** False where a tag cannot go without its image. */
  protected boolean removesSingleTags() {
    return true;
  }

  static LongStream seeds() {
    return LongStream.of(1, 2, 3, System.nanoTime());
  }

  protected static byte[] random(long seed, int length) {
    byte[] bytes = new byte[length];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }

  protected static Descriptor layer(byte[] bytes) {
    return new Descriptor(MediaTypes.OCI_LAYER, Digest.of(bytes), bytes.length);
  }

  protected static Descriptor push(Repository to, byte[] bytes) throws IOException {
    Descriptor blob = layer(bytes);
    to.push(blob, () -> new ByteArrayInputStream(bytes), Progress.NONE);
    return blob;
  }

  /** An image of one layer. */
  protected static Manifest image(Repository to, long seed) throws IOException {
    byte[] layer = random(seed, 5000);
    byte[] config =
        ImageConfig.create(Platform.current()).withDiffIds(List.of(Digest.of(layer))).toBytes();
    var configBlob = new Descriptor(MediaTypes.OCI_CONFIG, Digest.of(config), config.length);
    to.push(configBlob, () -> new ByteArrayInputStream(config), Progress.NONE);
    return new Manifest(MediaTypes.OCI_MANIFEST, configBlob, List.of(push(to, layer)));
  }

  protected static byte[] range(RemoteBlob blob, long offset, int length) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(length);
    blob.read(offset, into, PATIENCE);
    assertThat(into.hasRemaining()).isFalse();
    return into.array();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void anyRangeOfAPushedBlobReadsBack(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] bytes = random(seed, random.nextInt(1, 300_000));
    try (Repository repository = repository("ranges")) {
      Descriptor descriptor = push(repository, bytes);
      try (RemoteBlob blob = repository.open(descriptor)) {
        assertThat(blob.size()).isEqualTo(bytes.length);
        for (int i = 0; i < 10; i++) {
          int from = random.nextInt(bytes.length + 1);
          int length = random.nextInt(bytes.length - from + 1);
          assertThat(range(blob, from, length))
              .isEqualTo(Arrays.copyOfRange(bytes, from, from + length));
          ByteBuffer direct = ByteBuffer.allocateDirect(length);
          blob.read(from, direct, PATIENCE);
          assertThat(direct.flip()).isEqualTo(ByteBuffer.wrap(bytes, from, length));
        }
      }
    }
  }

  @Test
  void aStreamOfARangeComesInOrderAndEndsWhenNoMoreIsWanted() throws IOException {
    byte[] bytes = random(9, 3_000_000);
    try (Repository repository = repository("streams");
        RemoteBlob blob = repository.open(push(repository, bytes))) {
      var all = new ByteArrayOutputStream();
      var some = new ByteArrayOutputStream();
      blob.stream(100, 2_999_000, PATIENCE, PATIENCE, chunk -> collect(chunk, all) > 0);
      assertThat(all.toByteArray()).isEqualTo(Arrays.copyOfRange(bytes, 100, 2_999_100));
      blob.stream(7, 2_999_000, PATIENCE, PATIENCE, chunk -> collect(chunk, some) < 100_000);
      assertThat(some.size()).isBetween(100_000, 2_000_000);
      assertThat(some.toByteArray()).isEqualTo(Arrays.copyOfRange(bytes, 7, 7 + some.size()));
      assertThat(range(blob, 5, 10)).isEqualTo(Arrays.copyOfRange(bytes, 5, 15));
      blob.stream(3, 0, PATIENCE, PATIENCE, chunk -> collect(chunk, all) < 0);
      assertThat(all.size()).isEqualTo(2_999_000);
    }
  }

  private static int collect(ByteBuffer chunk, ByteArrayOutputStream into) {
    while (chunk.hasRemaining()) {
      into.write(chunk.get());
    }
    return into.size();
  }

  @Test
  void aReadOutsideTheBlobIsRefused() throws IOException {
    try (Repository repository = repository("outside")) {
      Descriptor descriptor = push(repository, random(5, 100));
      try (RemoteBlob blob = repository.open(descriptor)) {
        assertThatThrownBy(() -> range(blob, 99, 2)).isInstanceOf(EOFException.class);
        assertThatThrownBy(() -> range(blob, -1, 2)).isInstanceOf(EOFException.class);
        assertThatThrownBy(() -> range(blob, Long.MAX_VALUE, 2)).isInstanceOf(EOFException.class);
      }
    }
  }

  @Test
  void aWholeBlobStreamsDownloadsAndReadsAsBytes() throws IOException {
    byte[] bytes = random(6, 700_001);
    try (Repository repository = repository("whole")) {
      Descriptor descriptor = push(repository, bytes);
      try (InputStream in = repository.stream(descriptor)) {
        assertThat(in.readAllBytes()).isEqualTo(bytes);
      }
      var out = new ByteArrayOutputStream();
      long[] last = new long[1];
      repository.download(descriptor, out, (done, total) -> last[0] = done);
      assertThat(out.toByteArray()).isEqualTo(bytes);
      assertThat(last[0]).isEqualTo(bytes.length);
      assertThat(repository.blob(descriptor, bytes.length)).isEqualTo(bytes);
    }
  }

  @Test
  void anEmptyBlobIsABlob() throws IOException {
    try (Repository repository = repository("empty")) {
      Descriptor descriptor = push(repository, new byte[0]);
      assertThat(repository.blobSize(descriptor.digest())).isEqualTo(OptionalLong.of(0));
      assertThat(repository.blob(descriptor, 0)).isEmpty();
      try (InputStream in = repository.stream(descriptor)) {
        assertThat(in.read()).isEqualTo(-1);
      }
      try (RemoteBlob blob = repository.open(descriptor)) {
        assertThat(range(blob, 0, 0)).isEmpty();
      }
    }
  }

  @Test
  void aBlobThatIsTooLargeIsRefusedUnread() throws IOException {
    try (Repository repository = repository("large")) {
      Descriptor descriptor = push(repository, random(7, 1000));
      assertKind(Kind.REFUSED, () -> repository.blob(descriptor, 999));
    }
  }

  @Test
  void whatIsNotThereIsSaidToBeMissing() throws IOException {
    byte[] bytes = random(8, 10);
    try (Repository repository = repository("missing")) {
      image(repository, 9);
      assertThat(repository.has(Digest.of(bytes))).isFalse();
      assertThat(repository.resolve("nothing")).isEmpty();
      assertThat(repository.resolve(Digest.of(bytes).value())).isEmpty();
      assertKind(Kind.NOT_FOUND, () -> repository.manifest("nothing"));
      assertKind(Kind.NOT_FOUND, () -> repository.blob(layer(bytes), 100));
      assertKind(
          Kind.NOT_FOUND,
          () -> {
            try (RemoteBlob blob = repository.open(layer(bytes))) {
              range(blob, 0, 10);
            }
          });
      assertThat(repository.untag("nothing")).isFalse();
    }
  }

  @Test
  void wrongBytesAreNotUploaded() throws IOException {
    byte[] bytes = random(10, 50_000);
    byte[] wrong = bytes.clone();
    wrong[49_999] ^= 1;
    try (Repository repository = repository("wrong")) {
      for (byte[] content :
          List.of(wrong, Arrays.copyOf(bytes, 49_999), Arrays.copyOf(bytes, 50_001))) {
        assertKind(
            Kind.REFUSED,
            () ->
                repository.push(
                    layer(bytes), () -> new ByteArrayInputStream(content), Progress.NONE));
        assertThat(repository.has(Digest.of(bytes))).isFalse();
      }
    }
  }

  @Test
  void aSecondPushSendsNothing() throws IOException {
    byte[] bytes = random(11, 1000);
    try (Repository repository = repository("twice")) {
      push(repository, bytes);
      long[] done = new long[1];
      repository.push(
          layer(bytes),
          () -> {
            throw new AssertionError("opened");
          },
          (now, total) -> done[0] = now);
      assertThat(done[0]).isEqualTo(1000);
    }
  }

  @Test
  void aManifestIsFoundByTagAndByDigest() throws IOException {
    try (Repository repository = repository("manifests")) {
      Manifest manifest = image(repository, 12);
      byte[] bytes = manifest.toBytes();
      Descriptor pushed = repository.pushManifest(Optional.of("v1"), manifest.mediaType(), bytes);
      assertThat(pushed.digest()).isEqualTo(Digest.of(bytes));
      for (String name : List.of("v1", pushed.digest().value())) {
        assertThat(repository.resolve(name).map(Descriptor::digest)).contains(pushed.digest());
        Document document = repository.manifest(name);
        assertThat(document.bytes()).isEqualTo(bytes);
        assertThat(document.descriptor().mediaType()).isEqualTo(MediaTypes.OCI_MANIFEST);
        assertThat(Manifest.parse(document)).isEqualTo(manifest);
      }
    }
  }

  @Test
  void aTagMoves() throws IOException {
    try (Repository repository = repository("moves")) {
      Manifest first = image(repository, 13);
      Manifest second = image(repository, 14);
      repository.pushManifest(Optional.of("v"), first.mediaType(), first.toBytes());
      repository.pushManifest(Optional.of("v"), second.mediaType(), second.toBytes());
      assertThat(repository.manifest("v").bytes()).isEqualTo(second.toBytes());
      assertThat(repository.tags()).containsExactly("v");
    }
  }

  @Test
  void tagsAreListedSortedAndRemoved() throws IOException {
    try (Repository repository = repository("tags")) {
      assertThat(repository.tags()).isEmpty();
      Manifest one = image(repository, 15);
      Manifest two = image(repository, 16);
      repository.pushManifest(Optional.of("b"), one.mediaType(), one.toBytes());
      repository.pushManifest(Optional.of("a"), two.mediaType(), two.toBytes());
      repository.pushManifest(Optional.of("c"), two.mediaType(), two.toBytes());
      assertThat(repository.tags()).containsExactly("a", "b", "c");
      assertThat(repository.untag("b")).isTrue();
      assertThat(repository.resolve("b")).isEmpty();
      if (removesSingleTags()) {
        assertThat(repository.untag("c")).isTrue();
      } else {
        assertThatThrownBy(() -> repository.untag("c")).hasMessageContaining("tag a");
      }
      assertThat(repository.manifest("a").bytes()).isEqualTo(two.toBytes());
    }
  }

  @Test
  void aManifestWithoutTagIsStored() throws IOException {
    try (Repository repository = repository("untagged")) {
      Manifest manifest = image(repository, 17);
      Descriptor pushed =
          repository.pushManifest(Optional.empty(), manifest.mediaType(), manifest.toBytes());
      assertThat(repository.tags()).isEmpty();
      assertThat(repository.manifest(pushed.digest().value()).bytes())
          .isEqualTo(manifest.toBytes());
    }
  }

  @Test
  void aSiblingsBlobAppearsWithoutBeingSent() throws IOException {
    byte[] bytes = random(18, 20_000);
    try (Repository from = repository("from");
        Repository to = repository("to")) {
      Descriptor descriptor = push(from, bytes);
      assertThat(to.mount(descriptor, from)).isTrue();
      assertThat(to.blob(descriptor, 20_000)).isEqualTo(bytes);
      assertThat(to.mount(layer(random(19, 10)), from)).isFalse();
    }
  }

  protected static void assertKind(
      Kind kind, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            RegistryException.class,
            e -> assertThat(e.kind()).describedAs(e.getMessage()).isEqualTo(kind));
  }
}
