package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.FormatException;
import dev.obd.testdata.Contents;
import dev.obd.testdata.DeviceModel;
import dev.obd.testdata.Golden;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a crash may leave of a log is recovered; what is lost was never flushed, and is reported.
 */
class CrashTest {
  private static final int SIZE = 64 << 10;

  @TempDir(factory = FastDir.class)
  private Path dir;

  static LongStream seeds() {
    return LsmtFiles.seeds();
  }

  private Path data() {
    return dir.resolve("rw.data");
  }

  private Path index() {
    return dir.resolve("rw.index");
  }

  private void files(byte[] dataBytes, byte[] indexBytes) throws IOException {
    Files.write(data(), dataBytes);
    Files.write(index(), indexBytes);
  }

  /** One write or discard of one record each, and the disk after each of them. */
  private List<byte[]> history(SplittableRandom random, int count) throws IOException {
    List<byte[]> states = new ArrayList<>();
    var model = new DeviceModel(SIZE);
    states.add(model.read(0, SIZE));
    try (WritableLayer layer =
        WritableLayer.create(
            data(),
            index(),
            new WritableOptions(SIZE, new UUID(1, 1), LayerHeader.NO_UUID, false))) {
      for (int i = 0; i < count; i++) {
        RandomOp op = RandomOp.next(random, SIZE);
        op.applyTo(layer);
        op.applyTo(model);
        states.add(model.read(0, SIZE));
      }
    }
    return states;
  }

  private record Recovered(byte[] disk, List<String> warnings) {}

  private Recovered recover() throws IOException {
    WritableLayer layer = WritableLayer.open(data(), index());
    try (var disk = WritableStack.open(layer, Optional.empty())) {
      return new Recovered(LsmtFiles.read(disk, 0, SIZE), layer.warnings());
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void anIndexCutAnywhereLeavesTheWritesWhoseRecordsAreWhole(long seed) throws IOException {
    List<byte[]> states = history(new SplittableRandom(seed), 12);
    byte[] wholeData = Files.readAllBytes(data());
    byte[] wholeIndex = Files.readAllBytes(index());
    for (int cut = 4096; cut <= wholeIndex.length; cut++) {
      files(wholeData, Arrays.copyOf(wholeIndex, cut));
      Recovered got = recover();
      assertThat(got.disk()).as("cut at %d", cut).isEqualTo(states.get((cut - 4096) / 16));
      assertThat(String.join("\n", got.warnings()).contains("torn last record"))
          .isEqualTo(cut % 16 != 0);
      assertThat(Files.size(index())).as("repaired").isEqualTo(cut / 16 * 16);
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void dataCutAnywhereLeavesTheWritesBeforeTheCut(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    List<byte[]> states = history(random, 12);
    byte[] wholeData = Files.readAllBytes(data());
    byte[] wholeIndex = Files.readAllBytes(index());
    for (int cut = 4096; cut <= wholeData.length; cut += random.nextInt(1, 300)) {
      files(Arrays.copyOf(wholeData, cut), wholeIndex);
      int kept = recordsWithin(wholeIndex, cut / 512);
      Recovered got = recover();
      assertThat(got.disk()).as("cut at %d", cut).isEqualTo(states.get(kept));
      assertThat(String.join("\n", got.warnings()).contains("their data is not there"))
          .isEqualTo(kept < states.size() - 1);
      assertThat(Files.size(index())).isEqualTo(4096 + 16L * kept);
    }
  }

  /** How many records at the front have their data within {@code sectors}. */
  private static int recordsWithin(byte[] indexFile, long sectors) {
    ByteBuffer b = ByteBuffer.wrap(indexFile).order(ByteOrder.LITTLE_ENDIAN);
    int n = 0;
    for (int at = 4096; at < indexFile.length; at += 16, n++) {
      if (SegmentBounds.beyond(b.getLong(at), b.getLong(at + 8), sectors)) {
        break;
      }
    }
    return n;
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aRepairedLayerIsAsGoodAsNew(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    List<byte[]> states = history(random, 12);
    byte[] wholeData = Files.readAllBytes(data());
    byte[] wholeIndex = Files.readAllBytes(index());
    for (int i = 0; i < 20; i++) {
      int cut = 4096 + random.nextInt(wholeData.length - 4096);
      files(Arrays.copyOf(wholeData, cut), wholeIndex);
      var model = new DeviceModel(SIZE);
      model.write(0, states.get(recordsWithin(wholeIndex, cut / 512)));
      try (WritableLayer layer = WritableLayer.open(data(), index())) {
        for (int k = 0; k < 5; k++) {
          RandomOp op = RandomOp.next(random, SIZE);
          op.applyTo(layer);
          op.applyTo(model);
        }
      }
      assertThat(recover().disk()).isEqualTo(model.read(0, SIZE));
      LayerSealer.seal(data(), index());
      try (LayerStack sealed = LayerStack.open(List.of(LsmtFiles.open(data())))) {
        assertThat(LsmtFiles.read(sealed, 0, SIZE)).isEqualTo(model.read(0, SIZE));
      }
    }
  }

  @Test
  void aTailOfZerosInTheIndexIsDropped() throws IOException {
    List<byte[]> states = history(new SplittableRandom(7), 8);
    byte[] wholeIndex = Files.readAllBytes(index());
    byte[] zeroed = Arrays.copyOf(wholeIndex, wholeIndex.length + 1000);
    Arrays.fill(zeroed, 4096 + 5 * 16, 4096 + 6 * 16, (byte) 0);
    files(Files.readAllBytes(data()), zeroed);
    Recovered got = recover();
    assertThat(got.disk()).isEqualTo(states.get(5));
    assertThat(got.warnings())
        .anyMatch(w -> w.contains("dropped 65 records from number 5: the rest of the file is not"));
  }

  @Test
  void dataNeverRecordedIsReportedAndHarmless() throws IOException {
    List<byte[]> states = history(new SplittableRandom(8), 8);
    byte[] wholeData = Files.readAllBytes(data());
    files(Arrays.copyOf(wholeData, wholeData.length + 700), Files.readAllBytes(index()));
    Recovered got = recover();
    assertThat(got.disk()).isEqualTo(states.getLast());
    assertThat(got.warnings())
        .containsExactly(data() + ": the last 700 bytes belong to writes that were never flushed");
    try (WritableLayer layer = WritableLayer.open(data(), index())) {
      layer.write(0, ByteBuffer.wrap(Contents.of("ff", 0, 512)));
    }
    assertThat(Arrays.copyOf(recover().disk(), 512)).isEqualTo(Contents.of("ff", 0, 512));
  }

  @Test
  void recordsReachTheIndexOnlyAfterTheirData() throws IOException {
    try (WritableLayer layer =
        WritableLayer.create(data(), index(), WritableOptions.ofSize(SIZE))) {
      layer.write(0, ByteBuffer.wrap(Contents.of("ff", 0, 512)));
      assertThat(Files.size(index())).isEqualTo(4096);
      layer.flush();
      assertThat(Files.size(index())).isEqualTo(4096 + 16);
      for (int i = 0; i < 4096 + 10; i++) {
        layer.write(512, ByteBuffer.wrap(Contents.of("ff", 0, 512)));
      }
      assertThat(Files.size(index())).as("waiting is bounded").isEqualTo(4096 + 16 * 4097);
    }
  }

  @Test
  void damageThatNoCrashExplainsIsRefused() throws IOException {
    history(new SplittableRandom(9), 8);
    byte[] wholeData = Files.readAllBytes(data());
    byte[] wholeIndex = Files.readAllBytes(index());
    byte[] beyond = wholeIndex.clone();
    beyond[4096 + 16 * 3 + 8 + 4] = 1;
    files(wholeData, beyond);
    assertThatThrownBy(this::recover)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("@4144: segment.moffset: expected data within")
        .hasMessageContaining("though later records are within");
    byte[] inHeader = wholeIndex.clone();
    Arrays.fill(inHeader, 4096 + 16 * 3 + 8, 4096 + 16 * 3 + 16, (byte) 0);
    inHeader[4096 + 16 * 3 + 8] = 7;
    files(wholeData, inHeader);
    assertThatThrownBy(this::recover)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("@4144: segment.moffset: expected data within sectors 8 to");
    assertThat(Files.readAllBytes(index())).as("left as it was").isEqualTo(inHeader);
  }

  @Test
  void filesThatDoNotBelongTogetherAreRefused() throws IOException {
    byte[] a1Data = Files.readAllBytes(Golden.dir().resolve("a1-rw-cli-1g/rw.data"));
    byte[] a2Index = Files.readAllBytes(Golden.dir().resolve("a2-rw-16m/rw.index"));
    files(a1Data, a2Index);
    assertThatThrownBy(this::recover)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("uuid: expected 2fd414d1-54d0-4b42-80b4-a462c5de7f70 as in");
    files(a2Index, a1Data);
    assertThatThrownBy(this::recover).hasMessageContaining("expected a data file (bit 0x2 set)");
    files(a1Data, a1Data);
    assertThatThrownBy(this::recover).hasMessageContaining("expected an index file");
    files(a1Data, new byte[0]);
    assertThatThrownBy(this::recover)
        .hasMessageContaining("file: expected at least 4096 bytes, got 0");
    byte[] committed = Files.readAllBytes(Golden.dir().resolve("b2-commit-plain/layer.obd"));
    files(committed, a2Index);
    assertThatThrownBy(this::recover).hasMessageContaining("expected a writable file");
    byte[] shifted = a2Index.clone();
    shifted[32] = 1;
    files(Files.readAllBytes(Golden.dir().resolve("a2-rw-16m/rw.data")), shifted);
    assertThatThrownBy(this::recover)
        .hasMessageContaining("@32: indexOffset: expected 4096, got 4097");
  }

  @Test
  void aSizeThatOnlyOneHeaderGotIsSettled() throws IOException {
    history(new SplittableRandom(10), 3);
    byte[] grown = Files.readAllBytes(data());
    ByteBuffer.wrap(grown).order(ByteOrder.LITTLE_ENDIAN).putLong(48, 2 * SIZE);
    files(grown, Files.readAllBytes(index()));
    try (WritableLayer layer = WritableLayer.open(data(), index())) {
      assertThat(layer.virtualSize()).isEqualTo(SIZE);
      assertThat(layer.warnings()).anyMatch(w -> w.contains("virtual size 131072 set to 65536"));
    }
    try (WritableLayer layer = WritableLayer.open(data(), index())) {
      assertThat(layer.warnings()).isEmpty();
    }
  }
}
