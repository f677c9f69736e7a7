package dev.obd.tcmu.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.MemoryDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random valid commands against an array of bytes. */
final class ScsiModelTest {
  private static final int BLOCKS = 2000;
  private static final int COMMANDS = 2000;

  static LongStream seeds() {
    return LongStream.of(1, 2, new SplittableRandom().nextLong());
  }

  private byte[] model = new byte[BLOCKS * 512];

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void diskHoldsWhatAnArrayOfBytesWouldHold(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    model = new byte[BLOCKS * 512];
    try (var disk = new ScsiTester(MemoryDisk.writable(model.length))) {
      for (int i = 0; i < COMMANDS; i++) {
        step(disk, random);
      }
      ByteBuffer all = ByteBuffer.allocateDirect(model.length);
      byte[] cdb = cdb(random, 0x88, 0, 0, BLOCKS);
      assertThat(disk.run(cdb, ScsiTester.cut(all, 60_000)))
          .isEqualTo(ScsiResult.good(model.length));
      assertThat(bytes(all)).isEqualTo(model);
    }
  }

  private void step(ScsiTester disk, SplittableRandom random) {
    int lba = random.nextInt(BLOCKS);
    int blocks = Math.min(BLOCKS - lba, 1 + random.nextInt(random.nextBoolean() ? 8 : 300));
    int from = lba * 512;
    int length = blocks * 512;
    switch (random.nextInt(6)) {
      case 0 -> read(disk, random, lba, blocks);
      case 1 -> {
        byte[] data = new byte[length + (random.nextBoolean() ? 0 : random.nextInt(2000))];
        random.nextBytes(data);
        int code = pick(random, 0x0A, 0x2A, 0xAA, 0x8A);
        int flags = random.nextBoolean() ? 0 : random.nextInt(4) << 3;
        assertThat(run(disk, random, cdb(random, code, flags, lba, blocks), data))
            .isEqualTo(ScsiResult.good(length(code, blocks)));
        System.arraycopy(data, 0, model, from, length(code, blocks));
      }
      case 2 -> {
        byte[] block = new byte[512];
        Arrays.fill(block, (byte) random.nextInt(2));
        byte[] cdb = cdb(random, pick(random, 0x41, 0x93), random.nextInt(2) << 3, lba, blocks);
        assertThat(run(disk, random, cdb, block)).isEqualTo(ScsiResult.good(512));
        Arrays.fill(model, from, from + length, block[0]);
      }
      case 3 -> {
        var list = ByteBuffer.allocate(40).putShort((short) 38).putShort((short) 32).putInt(0);
        list.putLong(lba).putInt(blocks).putInt(0).putLong(0).putInt(1);
        byte[] cdb = ScsiTester.hex("42000000000000002800");
        assertThat(run(disk, random, cdb, list.array())).isEqualTo(ScsiResult.good(40));
        Arrays.fill(model, from, from + length, (byte) 0);
        Arrays.fill(model, 0, 512, (byte) 0);
      }
      case 4 -> {
        byte[] data = Arrays.copyOfRange(model, from, from + length);
        boolean same = random.nextBoolean();
        if (!same) {
          data[random.nextInt(length)] ^= (byte) (1 << random.nextInt(8));
        }
        byte[] cdb = cdb(random, pick(random, 0x2F, 0xAF, 0x8F), 2, lba, blocks);
        assertThat(run(disk, random, cdb, data))
            .isEqualTo(same ? ScsiResult.good(length) : ScsiResult.failed(Sense.MISCOMPARE));
      }
      default -> {
        byte[] data = Arrays.copyOfRange(model, from, from + 1024);
        Arrays.fill(data, 512, 1024, (byte) random.nextInt(3));
        int wrong = random.nextBoolean() ? -1 : random.nextInt(512);
        if (wrong >= 0) {
          data[wrong] ^= 1;
        }
        byte[] cdb = cdb(random, 0x89, 0, lba, 0);
        cdb[13] = 1;
        ScsiResult expected =
            wrong < 0
                ? ScsiResult.good(1024)
                : ScsiResult.failed(Sense.MISCOMPARE.withInformation(wrong));
        assertThat(run(disk, random, cdb, data)).isEqualTo(expected);
        if (wrong < 0) {
          System.arraycopy(data, 512, model, from, 512);
        }
      }
    }
  }

  private void read(ScsiTester disk, SplittableRandom random, int lba, int blocks) {
    int code = pick(random, 0x08, 0x28, 0xA8, 0x88);
    int bytes = length(code, blocks);
    int room = Math.max(0, bytes + random.nextInt(-600, 600));
    ByteBuffer into = ByteBuffer.allocateDirect(room);
    int piece = 1 + random.nextInt(random.nextBoolean() ? 100_000 : 5000);
    ScsiResult result =
        disk.run(cdb(random, code, 0, lba, blocks), ScsiTester.cut(into, piece, 512, piece));
    int moved = Math.min(bytes, room);
    assertThat(result).isEqualTo(ScsiResult.good(moved));
    byte[] expected = Arrays.copyOfRange(model, lba * 512, lba * 512 + moved);
    assertThat(bytes(into)).isEqualTo(Arrays.copyOf(expected, room));
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }

  private static ScsiResult run(ScsiTester disk, SplittableRandom random, byte[] cdb, byte[] data) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(data.length).put(data).flip();
    int piece = 1 + random.nextInt(random.nextBoolean() ? 100_000 : 5000);
    return disk.run(cdb, ScsiTester.cut(buffer, piece, piece, 512, piece));
  }

  private static int pick(SplittableRandom random, int... codes) {
    return codes[random.nextInt(codes.length)];
  }

  /** What commands of 6 bytes cannot say is cut off. */
  private static int length(int code, int blocks) {
    return 512 * (code < 0x20 ? Math.min(255, blocks) : blocks);
  }

  private static byte[] cdb(SplittableRandom random, int code, int flags, int lba, int blocks) {
    var cdb = ByteBuffer.allocate(code < 0x20 ? 6 : code < 0x60 ? 10 : code < 0xA0 ? 16 : 12);
    cdb.put((byte) code).put((byte) flags);
    switch (cdb.capacity()) {
      case 6 ->
          cdb.position(1)
              .put((byte) (lba >> 16))
              .putShort((short) lba)
              .put((byte) Math.min(255, blocks));
      case 10 -> cdb.putInt(lba).put((byte) random.nextInt(32)).putShort((short) blocks);
      case 12 -> cdb.putInt(lba).putInt(blocks);
      default -> cdb.putLong(lba).putInt(blocks);
    }
    return cdb.array();
  }
}
