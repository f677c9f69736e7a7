package dev.obd.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.obd.testdata.Golden;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TraceFileTest {
  private static final int HEADER = 24;
  private static final int RECORD = 24;

  @Test
  void aTraceOfTheOriginalIsReadAsItsManifestSays() throws IOException {
    assertThat(TraceFile.read(golden())).hasSize(22).isEqualTo(manifestRecords());
  }

  @Test
  void aTraceOfTheOriginalHasGarbageInItsPaddingAndIsWrittenAgainWithZeros() throws IOException {
    byte[] original = Files.readAllBytes(golden());
    byte[] ours = TraceFile.encode(TraceFile.read(golden()));

    byte[] expected = original.clone();
    Arrays.fill(expected, 4, 8, (byte) 0);
    Arrays.fill(expected, 20, 24, (byte) 0);
    for (int at = HEADER; at < expected.length; at += RECORD) {
      Arrays.fill(expected, at + 1, at + 4, (byte) 0);
    }
    ByteBuffer.wrap(expected).putInt(16, Integer.reverseBytes((int) PlainTrace.crc(expected, 24)));
    assertThat(expected).isNotEqualTo(original);
    assertThat(ours).isEqualTo(expected);
  }

  @Test
  void anExampleFromTheFormatsDescriptionIsWrittenByteByByte() {
    List<Access> accesses = List.of(new Access(2, 512, 4096), new Access(2, 8192, 8192));
    assertThat(HexFormat.of().formatHex(TraceFile.encode(accesses)))
        .isEqualTo(
            ("2018efc2 00000000 3000000000000000 3b4544aa 00000000"
                    + "52000000 02000000 0010000000000000 0002000000000000"
                    + "52000000 02000000 0020000000000000 0020000000000000")
                .replace(" ", ""));
  }

  @Test
  void anEmptyTraceIsAHeader() throws IOException {
    byte[] file = TraceFile.encode(Trace.EMPTY);
    assertThat(file).hasSize(HEADER);
    assertThat(decode(file)).isEmpty();
  }

  @Test
  void paddingIsInsideTheChecksumButMeansNothing() throws IOException {
    for (long seed = 0; seed < 20; seed++) {
      byte[] file = new PlainTrace(seed).add('R', 3, 77, 5).add('R', 0, 1, 0).bytes();
      assertThat(decode(file)).containsExactly(new Access(3, 5, 77), new Access(0, 0, 1));
    }
  }

  @Test
  void everyFlippedByteIsFoundUnlessItIsPaddingOfTheHeader() throws IOException {
    byte[] file = Files.readAllBytes(golden());
    List<Access> records = decode(file);
    for (int at = 0; at < file.length; at++) {
      byte[] damaged = file.clone();
      damaged[at] ^= (byte) (1 << at % 8);
      if (at >= 4 && at < 8 || at >= 20 && at < HEADER) {
        assertThat(decode(damaged)).isEqualTo(records);
      } else {
        assertThatThrownBy(() -> decode(damaged))
            .as("byte %d", at)
            .isInstanceOf(TraceFormatException.class);
      }
    }
  }

  @Test
  void everyTruncationAndExtensionIsFound() throws IOException {
    byte[] file = Files.readAllBytes(golden());
    for (int length = 0; length <= file.length + 2 * RECORD; length++) {
      byte[] damaged = Arrays.copyOf(file, length);
      if (length != file.length) {
        assertThatThrownBy(() -> decode(damaged)).isInstanceOf(TraceFormatException.class);
      }
    }
  }

  @Test
  void anErrorSaysFileFieldExpectedAndActual() {
    byte[] file = new PlainTrace(1).add('R', 0, 1, 0).bytes();
    file[0] = 0x21;
    var e = catchThrowableOfType(TraceFormatException.class, () -> decode(file));
    assertThat(e).hasMessage("a file @0: magic: expected 0xc2ef1820, got 0xc2ef1821");
    assertThat(e.field()).isEqualTo("magic");
    assertThat(e.expected()).isEqualTo("0xc2ef1820");
    assertThat(e.actual()).isEqualTo("0xc2ef1821");
  }

  @Test
  void recordsThatCannotBeMeantAreRefused() {
    assertField("op", new PlainTrace(1).add('X', 0, 1, 0));
    assertField("offset", new PlainTrace(1).add('R', 0, 1, -1));
    assertField("length", new PlainTrace(1).add('R', 0, -1, 0));
    assertField("length", new PlainTrace(1).add('R', 0, Long.MAX_VALUE, 1));
  }

  @Test
  void recordsWithNothingToReplayAreLeftOut() throws IOException {
    byte[] file =
        new PlainTrace(1)
            .add('W', 0, 4096, 0)
            .add('R', 0, 0, 4096)
            .add('R', 0xffff_ffffL, 1, 0)
            .add('R', 1, 2, 3)
            .bytes();
    assertThat(decode(file)).containsExactly(new Access(1, 3, 2));
  }

  @Test
  void longReadsAreWrittenInPartsOfAtMostAMebibyte() throws IOException {
    long length = 2 * TraceFile.MAX_RECORD_LENGTH + 5;
    List<Access> read = decode(TraceFile.encode(List.of(new Access(1, 10, length))));
    assertThat(read)
        .containsExactly(
            new Access(1, 10, 1 << 20),
            new Access(1, 10 + (1 << 20), 1 << 20),
            new Access(1, 10 + (2 << 20), 5));
  }

  @Test
  void theBoundOfRecordsHoldsForWritingAndReading(@TempDir Path dir) throws IOException {
    var one = new Access(0, 0, 1);
    byte[] full = TraceFile.encode(Collections.nCopies(TraceFile.MAX_RECORDS, one));
    assertThat(full).hasSize(TraceFile.MAX_FILE_BYTES);
    assertThat(decode(full)).hasSize(TraceFile.MAX_RECORDS);
    assertThatThrownBy(() -> TraceFile.encode(List.of(new Access(0, 0, Long.MAX_VALUE))))
        .isInstanceOf(IllegalArgumentException.class);

    Path large = dir.resolve("trace");
    try (var file = new RandomAccessFile(large.toFile(), "rw")) {
      file.write(full, 0, HEADER);
      file.setLength(1L << 40);
    }
    assertThatThrownBy(() -> TraceFile.read(large))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageContaining("size");
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whatIsEncodedIsDecodedAndReadByTheTestsOwnParser(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    List<Access> accesses = new ArrayList<>();
    for (int i = random.nextInt(300); i > 0; i--) {
      accesses.add(
          new Access(
              random.nextInt(256),
              random.nextLong(1L << random.nextInt(1, 62)),
              1 + random.nextInt(TraceFile.MAX_RECORD_LENGTH)));
    }
    byte[] file = TraceFile.encode(accesses);
    assertThat(decode(file)).isEqualTo(accesses);
    assertThat(PlainTrace.parse(file)).isEqualTo(accesses);
    assertThat(PlainTrace.number(file, 8, 8)).isEqualTo(24L * accesses.size());
    assertThat(PlainTrace.number(file, 16, 4)).isEqualTo(PlainTrace.crc(file, 24));
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aMutatedTraceIsRefusedOrReadWithinBounds(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] file = Files.readAllBytes(golden());
    int refused = 0;
    for (int round = 0; round < 25_000; round++) {
      byte[] mutated = mutate(file, random);
      try {
        Trace trace = decode(mutated);
        assertThat(trace.size()).isLessThanOrEqualTo(mutated.length / RECORD);
        for (Access access : trace) { // the record's constructor checks each
          assertThat(access.length()).isPositive();
        }
      } catch (TraceFormatException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(1_000, 24_999);
  }

  private static byte[] mutate(byte[] file, SplittableRandom random) {
    byte[] mutated = file.clone();
    for (int flips = random.nextInt(1, 4); flips > 0; flips--) {
      mutated[random.nextInt(mutated.length)] = (byte) random.nextInt();
    }
    if (random.nextInt(8) == 0) {
      mutated = Arrays.copyOf(mutated, random.nextInt(2 * mutated.length));
    }
    if (random.nextBoolean() && mutated.length > HEADER) {
      // A right header around wrong records, or no mutation gets past the checksum.
      var header = ByteBuffer.wrap(mutated).order(java.nio.ByteOrder.LITTLE_ENDIAN);
      header.putInt(0, 0xC2EF1820);
      header.putLong(8, mutated.length - HEADER);
      header.putInt(16, (int) PlainTrace.crc(mutated, HEADER));
    }
    return mutated;
  }

  private static LongStream seeds() {
    return LongStream.of(1, 2, 3, new SplittableRandom().nextLong());
  }

  private static void assertField(String field, PlainTrace trace) {
    var e = catchThrowableOfType(TraceFormatException.class, () -> decode(trace.bytes()));
    assertThat(e.field()).isEqualTo(field);
  }

  private static Trace decode(byte[] file) throws TraceFormatException {
    return TraceFile.decode("a file", ByteBuffer.wrap(file));
  }

  private static Path golden() {
    return Golden.dir().resolve("j1-trace/trace");
  }

  private static List<Access> manifestRecords() throws IOException {
    String manifest = Files.readString(Golden.dir().resolve("MANIFEST.json"));
    int vector = manifest.indexOf("\"id\": \"j1-trace\"");
    int records = manifest.indexOf("\"records\": [", vector);
    var matcher =
        Pattern.compile("\"layer_index\": (\\d+),\\s+\"count\": (\\d+),\\s+\"offset\": (\\d+)")
            .matcher(manifest.substring(records, manifest.indexOf(']', records)));
    List<Access> expected = new ArrayList<>();
    while (matcher.find()) {
      expected.add(
          new Access(
              Integer.parseInt(matcher.group(1)),
              Long.parseLong(matcher.group(3)),
              Long.parseLong(matcher.group(2))));
    }
    return expected;
  }
}
