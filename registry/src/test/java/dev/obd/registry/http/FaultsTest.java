package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RemoteBlob;
import dev.obd.testdata.Call;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A registry that misbehaves: no wrong bytes, the right kind of failure, never past the patience.
 */
class FaultsTest {
  private static final Duration SHORT = Duration.ofSeconds(1);
  private static final Duration LONG = Duration.ofSeconds(20);

  /** Past its patience a call may need a moment on a busy machine, not this. */
  private static final Duration HANG = Duration.ofSeconds(8);

  private static final byte[] BLOB = random(1, 200_000);
  private static final Descriptor DESCRIPTOR =
      new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BLOB), BLOB.length);
  private static final int OFFSET = 50_000;
  private static final int LENGTH = 100_000;

  private FaultyRegistry server;
  private RegistryClient client;

  @BeforeEach
  void start() throws IOException {
    server = FaultyRegistry.start();
    server.putBlob("app", BLOB);
    client = client(LONG);
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    server.close();
  }

  private static RegistryClient client(Duration patience) throws IOException {
    return new RegistryClient(RegistryOptions.defaults().withPatience(patience, 4));
  }

  private HttpRepository repository() {
    return client.repository(ImageReference.parse(server.host() + "/app"));
  }

  private static byte[] random(long seed, int length) {
    byte[] bytes = new byte[length];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }

  /** The bytes, or the failure's kind. Fails if the bytes are wrong or it takes too long. */
  private Set<Kind> read(int offset, int length, Duration patience) throws IOException {
    long began = System.nanoTime();
    ByteBuffer into = ByteBuffer.allocate(length);
    try (RemoteBlob blob = repository().open(DESCRIPTOR)) {
      blob.read(offset, into, patience);
      assertThat(into.array()).isEqualTo(Arrays.copyOfRange(BLOB, offset, offset + length));
      return EnumSet.noneOf(Kind.class);
    } catch (RegistryException e) {
      assertThat(e).hasMessageContaining(server.host());
      return EnumSet.of(e.kind());
    } finally {
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(patience.plus(HANG));
    }
  }

  static Stream<Arguments> lasting() {
    return Stream.of(
        arguments(new Fault.Status(401), EnumSet.of(Kind.UNAUTHORIZED)),
        arguments(new Fault.Status(403), EnumSet.of(Kind.UNAUTHORIZED)),
        arguments(new Fault.Status(404), EnumSet.of(Kind.NOT_FOUND)),
        arguments(new Fault.Status(400), EnumSet.of(Kind.REFUSED)),
        arguments(new Fault.Status(416), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(new Fault.Status(429), EnumSet.of(Kind.TOO_MANY_REQUESTS)),
        arguments(new Fault.Status(500), EnumSet.of(Kind.UNAVAILABLE)),
        arguments(new Fault.Status(503), EnumSet.of(Kind.UNAVAILABLE)),
        arguments(new Fault.Status(204), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(new Fault.Status(302), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(
            new Fault.Status(302, Map.of("Location", "ftp://h/x")), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(
            new Fault.Status(302, Map.of("Location", "http://[")), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(new Fault.Delay(Duration.ofSeconds(30)), EnumSet.of(Kind.TIMED_OUT)),
        arguments(new Fault.Dropped(), EnumSet.of(Kind.UNAVAILABLE)),
        arguments(new Fault.Garbage("ssh-2.0\r\n"), EnumSet.of(Kind.UNAVAILABLE, Kind.BAD_ANSWER)),
        arguments(new Fault.EndlessHead(), EnumSet.of(Kind.UNAVAILABLE, Kind.BAD_ANSWER)),
        arguments(new Fault.Stalled(1000), EnumSet.of(Kind.TIMED_OUT)),
        arguments(new Fault.Trickled(100), EnumSet.of(Kind.TIMED_OUT)),
        arguments(new Fault.IgnoredRange(), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(new Fault.ShiftedRange(1), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(new Fault.ShiftedRange(-4096), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(new Fault.NoContentRange(), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(new Fault.Multipart(), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(new Fault.Empty(), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(new Fault.Gzipped(), EnumSet.of(Kind.BAD_ANSWER)),
        arguments(new Fault.Truncated(0), EnumSet.of(Kind.UNAVAILABLE)),
        arguments(new Fault.Reset(0), EnumSet.of(Kind.UNAVAILABLE)));
  }

  @ParameterizedTest(name = "{0} is {1}")
  @MethodSource("lasting")
  void aFaultThatLastsFailsTheReadAsWhatItIs(Fault fault, Set<Kind> expected) throws IOException {
    server.fault(Call::isBlobRead, fault);
    // What fails at once gets all the time a busy machine may need; what lasts, its end soon.
    boolean atOnce = expected.stream().noneMatch(FaultsTest::lasts);
    Set<Kind> got = read(OFFSET, LENGTH, atOnce ? LONG : SHORT);
    assertThat(got).isNotEmpty();
    assertThat(expected).containsAll(got);
  }

  private static boolean lasts(Kind kind) {
    return kind == Kind.TIMED_OUT || kind == Kind.UNAVAILABLE || kind == Kind.TOO_MANY_REQUESTS;
  }

  static Stream<Fault> passing() {
    return Stream.of(
        new Fault.Status(429),
        new Fault.Status(500),
        new Fault.Status(503),
        new Fault.Status(416),
        new Fault.Dropped(),
        new Fault.Garbage("what?\r\n\r\n"),
        new Fault.EndlessHead(),
        new Fault.Truncated(70_000),
        new Fault.Reset(1),
        new Fault.Reset(70_000),
        new Fault.ShiftedRange(10),
        new Fault.IgnoredRange(),
        new Fault.NoContentRange(),
        new Fault.Multipart(),
        new Fault.Empty(),
        new Fault.Gzipped(),
        new Fault.Http10(),
        new Fault.NoLength(),
        new Fault.Chunked(),
        new Fault.TooLong(100));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("passing")
  void aFaultThatPassesIsNotSeen(Fault fault) throws IOException {
    server.fault(1, Call::isBlobRead, fault);
    assertThat(read(OFFSET, LENGTH, LONG)).isEmpty();
    assertThat(read(0, BLOB.length, LONG)).isEmpty();
  }

  static Stream<Fault> harmless() {
    return Stream.of(
        new Fault.Http10(),
        new Fault.NoLength(),
        new Fault.Chunked(),
        new Fault.TooLong(100),
        new Fault.Truncated(30_000),
        new Fault.Reset(30_000));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("harmless")
  void whatCanBeCopedWithIsCopedWithForEver(Fault fault) throws IOException {
    server.fault(Call::isBlobRead, fault);
    for (int i = 0; i < 5; i++) {
      assertThat(read(OFFSET + i, LENGTH, LONG)).isEmpty();
    }
  }

  @Test
  void theWholeBodyIsAsGoodAsARangeFromTheStart() throws IOException {
    server.fault(Call::isBlobRead, new Fault.IgnoredRange());
    assertThat(read(0, 1000, LONG)).isEmpty();
    assertThat(read(0, BLOB.length, LONG)).isEmpty();
  }

  @Test
  void missingAndForbiddenAreNotAskedForAgain() throws IOException {
    for (int status : new int[] {403, 404, 400}) {
      server.clearFaults();
      server.fault(Call::isBlobRead, new Fault.Status(status));
      server.clearLog();
      read(OFFSET, 100, LONG);
      assertThat(server.log()).hasSize(1);
    }
  }

  @Test
  void anotherBlobUnderTheDigestIsNeitherStreamedNorReturned() throws IOException {
    byte[] other = BLOB.clone();
    other[199_999] ^= 1;
    server.putBlobAs("app", DESCRIPTOR.digest().value(), other);
    HttpRepository repository = repository();
    kind(Kind.BAD_ANSWER, () -> repository.blob(DESCRIPTOR, BLOB.length));
    kind(
        Kind.BAD_ANSWER,
        () -> {
          try (InputStream in = repository.stream(DESCRIPTOR)) {
            in.readAllBytes();
          }
        });
  }

  @Test
  void aBlobOfAnotherSizeIsNotRead() throws IOException {
    server.putBlobAs("app", DESCRIPTOR.digest().value(), Arrays.copyOf(BLOB, BLOB.length + 1));
    assertThat(read(OFFSET, 10, LONG)).containsExactly(Kind.BAD_ANSWER);
    assertThat(read(0, 10, LONG)).containsExactly(Kind.BAD_ANSWER);
  }

  static LongStream seeds() {
    return LongStream.of(1, 2, System.nanoTime());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aStreamSurvivesAnyRowOfBreaks(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 6; i++) {
      long at = random.nextLong(BLOB.length);
      Fault fault =
          switch (random.nextInt(6)) {
            case 0 -> new Fault.Truncated(at);
            case 1 -> new Fault.Reset(at);
            case 2 -> new Fault.Dropped();
            case 3 -> new Fault.Chunked();
            case 4 -> new Fault.IgnoredRange();
            default -> new Fault.NoLength();
          };
      server.fault(1, Call::isBlobRead, fault);
    }
    client.close();
    client = new RegistryClient(RegistryOptions.defaults().withPatience(LONG, 10));
    try (InputStream in = repository().stream(DESCRIPTOR)) {
      assertThat(in.readAllBytes()).isEqualTo(BLOB);
    }
  }

  private byte[] streamed(int offset, int length, Duration patience, Duration stall)
      throws IOException {
    var all = new ByteArrayOutputStream();
    try (RemoteBlob blob = repository().open(DESCRIPTOR)) {
      blob.stream(
          offset,
          length,
          patience,
          stall,
          bytes -> {
            byte[] chunk = new byte[bytes.remaining()];
            bytes.get(chunk);
            all.writeBytes(chunk);
            return true;
          });
    }
    return all.toByteArray();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aStreamedRangeGoesOnWhereItBroke(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 4; i++) {
      long at = random.nextLong(LENGTH);
      server.fault(
          1,
          Call::isBlobRead,
          random.nextBoolean() ? new Fault.Truncated(at) : new Fault.Reset(at));
    }
    assertThat(streamed(OFFSET, LENGTH, LONG, LONG))
        .isEqualTo(Arrays.copyOfRange(BLOB, OFFSET, OFFSET + LENGTH));
    long sent = server.log().stream().mapToLong(request -> request.bytesSent()).sum();
    assertThat(sent).isLessThan(5L * LENGTH); // and not from the start each time
  }

  @Test
  void aStreamMayTakeAsLongAsItMakesProgress() throws IOException {
    server.fault(Call::isBlobRead, new Fault.Trickled(60_000));
    assertThat(streamed(0, BLOB.length, LONG, Duration.ofMillis(2500))).isEqualTo(BLOB);
  }

  @Test
  void aStreamThatStandsStillEnds() throws IOException {
    server.fault(Call::isBlobRead, new Fault.Stalled(700));
    long began = System.nanoTime();
    kind(
        EnumSet.of(Kind.TIMED_OUT, Kind.UNAVAILABLE),
        () -> streamed(OFFSET, 1000, Duration.ofHours(1), SHORT));
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(SHORT.plus(HANG));
  }

  @Test
  void aStreamThatIsGivenUpIsNoFailureAndTheNextReadIsWell() throws IOException {
    try (RemoteBlob blob = repository().open(DESCRIPTOR)) {
      blob.stream(0, BLOB.length, LONG, LONG, bytes -> false);
    }
    assertThat(read(OFFSET, LENGTH, LONG)).isEmpty();
    assertThat(server.log().stream().filter(request -> request.isBlobRead())).hasSize(2);
  }

  @Test
  void aTrickleIsNotATransfer() throws IOException {
    client.close();
    client = client(SHORT);
    server.fault(Call::isBlobRead, new Fault.Trickled(1000));
    long began = System.nanoTime();
    try (InputStream in = repository().stream(DESCRIPTOR)) {
      kind(Kind.TIMED_OUT, in::readAllBytes);
    }
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(SHORT.plus(HANG));
  }

  @Test
  void aSlowReaderDoesNotMakeTheRegistrySlow() throws Exception {
    client.close();
    client = client(SHORT);
    try (InputStream in = repository().stream(DESCRIPTOR)) {
      byte[] first = in.readNBytes(10);
      Thread.sleep(SHORT.plusMillis(300)); // the time is the consumer's, whose speed is under test
      byte[] rest = in.readAllBytes();
      assertThat(first).isEqualTo(Arrays.copyOf(BLOB, 10));
      assertThat(rest).isEqualTo(Arrays.copyOfRange(BLOB, 10, BLOB.length));
    }
  }

  @Test
  void aTrickleIsCutAlsoAfterTheReaderPaused() throws Exception {
    client.close();
    client = client(SHORT);
    server.fault(Call::isBlobRead, new Fault.Trickled(2000));
    try (InputStream in = repository().stream(DESCRIPTOR)) {
      in.readNBytes(10);
      Thread.sleep(SHORT.plusMillis(300));
      long began = System.nanoTime();
      kind(Kind.TIMED_OUT, in::readAllBytes);
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(SHORT.plus(HANG));
    }
  }

  @Test
  void patienceMayBeEndlessOrNone() throws IOException {
    assertThat(read(OFFSET, 100, Duration.ofSeconds(Long.MAX_VALUE).minusDays(1))).isEmpty();
    assertThat(read(OFFSET, 100, Duration.ZERO)).containsExactly(Kind.TIMED_OUT);
    assertThat(read(OFFSET, 100, Duration.ofSeconds(-1))).containsExactly(Kind.TIMED_OUT);
  }

  @Test
  void retryAfterIsWaitedForByEverybody() throws IOException {
    server.fault(1, Call::isBlobRead, Fault.Status.retryAfter(429, Duration.ofSeconds(1)));
    long began = System.nanoTime();
    assertThat(read(OFFSET, 100, LONG)).isEmpty();
    assertThat(read(OFFSET, 100, LONG)).isEmpty();
    assertThat(System.nanoTime() - began).isGreaterThan(900_000_000L);
    assertThat(server.log()).hasSize(3);
  }

  @Test
  void aPauseLongerThanThePatienceFailsAtOnce() throws IOException {
    server.fault(Call::isBlobRead, Fault.Status.retryAfter(429, Duration.ofSeconds(600)));
    for (int i = 0; i < 3; i++) {
      assertThat(read(OFFSET, 100, SHORT)).containsExactly(Kind.TOO_MANY_REQUESTS);
    }
    assertThat(server.log()).hasSize(1);
  }

  @Test
  void aServerThatComesBackIsUsedAgain() throws Exception {
    server.down();
    Thread.startVirtualThread(() -> {
      try {
        Thread.sleep(300);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      server.up();
    });
    assertThat(read(OFFSET, 100, LONG)).isEmpty();
  }

  @Test
  void nobodyListeningIsUnavailable() throws IOException {
    server.close();
    assertThat(read(OFFSET, 100, SHORT)).containsExactly(Kind.UNAVAILABLE);
  }

  @Test
  void aDeadHostEndsWithThePatience() throws IOException {
    long began = System.nanoTime();
    HttpRepository nowhere = client.repository(ImageReference.parse("no-such-host.invalid/app"));
    kind(
        EnumSet.of(Kind.UNAVAILABLE, Kind.TIMED_OUT),
        () -> nowhere.open(DESCRIPTOR).read(0, ByteBuffer.allocate(1), SHORT));
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(SHORT.plus(HANG));
  }

  @Test
  void manifestsFromBadServersAreRefused() throws IOException {
    byte[] manifest =
        ("{\"schemaVersion\":2,\"mediaType\":\"" + MediaTypes.OCI_MANIFEST + "\"}")
            .getBytes("UTF-8");
    String digest = server.putManifest("app", "v", MediaTypes.OCI_MANIFEST, manifest);
    HttpRepository repository = repository();
    assertThat(repository.manifest(digest).bytes()).isEqualTo(manifest);
    server.fault(c -> c.isManifestRead() && c.method().equals("GET"), new Fault.WrongBytes(30, 1));
    kind(Kind.BAD_ANSWER, () -> repository.manifest(digest));
    kind(Kind.BAD_ANSWER, () -> repository.manifest("v"));
    server.clearFaults();
    server.putManifest("app", "big", MediaTypes.OCI_MANIFEST, new byte[(4 << 20) + 1]);
    kind(Kind.REFUSED, () -> repository.manifest("big"));
  }

  private static void kind(Kind kind, org.junit.jupiter.api.function.Executable call) {
    kind(EnumSet.of(kind), call);
  }

  private static void kind(Set<Kind> kinds, org.junit.jupiter.api.function.Executable call) {
    try {
      call.execute();
    } catch (RegistryException e) {
      assertThat(kinds).describedAs(e.getMessage()).contains(e.kind());
      return;
    } catch (Throwable e) {
      throw new AssertionError("another failure", e);
    }
    fail("no failure");
  }
}
