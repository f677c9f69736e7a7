package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Contents;
import dev.obd.testdata.DeviceModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whoever dies loses nothing that was written; who crashes with the machine, nothing flushed. */
class UnflushedRecordsTest {
  private static final int SIZE = 64 << 10;

  @TempDir(factory = FastDir.class)
  private Path dir;

  static LongStream seeds() {
    return LsmtFiles.seeds();
  }

  @BeforeEach
  void bootsMustBeToldApart() {
    Assumptions.assumeTrue(
        Files.exists(Path.of("/proc/sys/kernel/random/boot_id")), "no boot id on this machine");
  }

  private Path data() {
    return dir.resolve("rw.data");
  }

  private Path index() {
    return dir.resolve("rw.index");
  }

  private Path kept() {
    return UnflushedRecords.beside(index());
  }

  /** The files as they are at this moment: as a killed process leaves them. */
  private final class Left {
    private final Path at;

    Left(int number) throws IOException {
      at = Files.createDirectories(dir.resolve("left-" + number));
      for (Path file : new Path[] {data(), index(), kept()}) {
        if (Files.exists(file)) {
          Files.copy(file, at.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }

    Path itsIndex() {
      return at.resolve("rw.index");
    }

    Path itsKept() {
      return UnflushedRecords.beside(itsIndex());
    }

    byte[] disk() throws IOException {
      WritableLayer layer = WritableLayer.open(at.resolve("rw.data"), itsIndex());
      try (var disk = WritableStack.open(layer, Optional.empty())) {
        return LsmtFiles.read(disk, 0, SIZE);
      }
    }
  }

  private WritableLayer create() throws IOException {
    return WritableLayer.create(data(), index(), WritableOptions.ofSize(SIZE));
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whatWasWrittenIsThereAfterTheProcessDiedAtAnyTime(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    var model = new DeviceModel(SIZE);
    WritableLayer layer = create();
    for (int i = 0; i < 60; i++) {
      RandomOp op = RandomOp.next(random, SIZE);
      op.applyTo(layer);
      op.applyTo(model);
      if (random.nextInt(6) == 0) {
        layer.flush();
      }
      if (random.nextInt(12) == 0) {
        layer.close();
        assertThat(kept()).doesNotExist();
        layer = WritableLayer.open(data(), index());
      }
      var left = new Left(i);
      assertThat(left.disk()).as("after step %d", i).isEqualTo(model.read(0, SIZE));
      assertThat(left.itsKept()).doesNotExist();
      assertThat(left.disk()).as("opened again").isEqualTo(model.read(0, SIZE));
    }
    layer.close();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aProcessThatDiesAgainAndAgainLosesNothing(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    var model = new DeviceModel(SIZE);
    create().close();
    for (int life = 0; life < 12; life++) {
      WritableLayer layer = WritableLayer.open(data(), index());
      assertThat(LsmtFiles.read(WritableStack.open(layer, Optional.empty()), 0, SIZE))
          .as("life %d", life)
          .isEqualTo(model.read(0, SIZE));
      for (int i = random.nextInt(9); i > 0; i--) {
        RandomOp op = RandomOp.next(random, SIZE);
        op.applyTo(layer);
        op.applyTo(model);
      }
      var left = new Left(life);
      layer.close();
      for (Path file : new Path[] {data(), index(), kept()}) {
        Path from = left.at.resolve(file.getFileName());
        if (Files.exists(from)) {
          Files.copy(from, file, StandardCopyOption.REPLACE_EXISTING);
        } else {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  @Test
  void moreThanCanWaitIsKeptToo() throws IOException {
    var model = new DeviceModel(SIZE);
    try (WritableLayer layer = create()) {
      for (int i = 0; i < 3 * UnflushedRecords.SLOTS; i++) {
        byte[] sector = Contents.of("rand", i, 512);
        layer.write(i % (SIZE / 512) * 512L, ByteBuffer.wrap(sector));
        model.write(i % (SIZE / 512) * 512L, sector);
      }
      assertThat(new Left(0).disk()).isEqualTo(model.read(0, SIZE));
      assertThat(Files.size(kept()))
          .as("a ring")
          .isEqualTo(
              UnflushedRecords.SLOTS_AT
                  + (long) UnflushedRecords.SLOTS * UnflushedRecords.SLOT_BYTES);
    }
  }

  /** A disk of zeros; one sector is flushed, the next one is only written. */
  private Left twoWrites() throws IOException {
    try (WritableLayer layer = create()) {
      layer.write(0, ByteBuffer.wrap(Contents.of("ff", 0, 512)));
      layer.flush();
      layer.write(512, ByteBuffer.wrap(Contents.of("ff", 0, 512)));
      return new Left(0);
    }
  }

  private static byte[] firstSectors(int written) {
    var model = new DeviceModel(SIZE);
    model.write(0, Contents.of("ff", 0, 512 * written));
    return model.read(0, SIZE);
  }

  private static void flip(Path file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at] ^= 1;
    Files.write(file, bytes);
  }

  @Test
  void whatAnotherBootLeftIsNotBelieved() throws IOException {
    Left left = twoWrites();
    flip(left.itsKept(), 24);
    assertThat(left.disk()).isEqualTo(firstSectors(1));
  }

  @Test
  void anotherLayersRecordsAreNotBelieved() throws IOException {
    Left left = twoWrites();
    flip(left.itsKept(), 8);
    assertThat(left.disk()).isEqualTo(firstSectors(1));
  }

  @Test
  void aDamagedSlotAndWhatFollowsIsNotBelieved() throws IOException {
    for (int at = 0; at < UnflushedRecords.SLOT_BYTES; at++) {
      Files.deleteIfExists(data());
      Files.deleteIfExists(index());
      Left left = twoWrites();
      flip(left.itsKept(), UnflushedRecords.SLOTS_AT + 2 * UnflushedRecords.SLOT_BYTES + at);
      assertThat(left.disk()).as("byte %d", at).isEqualTo(firstSectors(1));
    }
  }

  @Test
  void recordsWhoseDataIsMissingAreNotBelieved() throws IOException {
    Left left = twoWrites();
    Path data = left.at.resolve("rw.data");
    Files.write(data, java.util.Arrays.copyOf(Files.readAllBytes(data), 4096 + 512));
    assertThat(left.disk()).isEqualTo(firstSectors(1));
  }

  /** A program that knows nothing of the file has gone on with the layer. */
  @Test
  void aLayerThatOthersWentOnWithIsTakenAsTheyLeftIt() throws IOException {
    Left left = twoWrites();
    byte[] records = Files.readAllBytes(left.itsKept());
    Files.delete(left.itsKept());
    try (WritableLayer other = WritableLayer.open(left.at.resolve("rw.data"), left.itsIndex())) {
      other.write(1024, ByteBuffer.wrap(Contents.of("ff", 0, 512)));
    }
    Files.write(left.itsKept(), records);
    byte[] expected = firstSectors(3);
    java.util.Arrays.fill(expected, 512, 1024, (byte) 0);
    assertThat(left.disk()).isEqualTo(expected);
  }
}
