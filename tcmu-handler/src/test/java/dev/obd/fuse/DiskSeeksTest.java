package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.nativeio.Errno;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DiskSeeksTest {
  private static final int SECTORS = 400;
  private static final int NOT_THERE = -Errno.ENXIO.number();

  static LongStream seeds() {
    return LongStream.of(1, 2, new SplittableRandom().nextLong());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void findsTheNextDataAndTheNextHoleAsASearchByteByByteWould(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    boolean[] data = new boolean[SECTORS];
    MemoryDisk disk = MemoryDisk.writable(SECTORS * 512L);
    for (int i = 0; i < SECTORS; i++) {
      data[i] = random.nextInt(3) == 0;
      if (data[i]) {
        disk.write(i * 512L, ByteBuffer.allocate(512));
      } else if (random.nextBoolean()) {
        disk.discard(i * 512L, 512);
      }
    }
    try (var device = new BlockDevice("d", disk, DeviceOptions.DEFAULTS)) {
      var seeks = new DiskSeeks(DiskChangesTest.calls(device));
      for (int i = 0; i < 200; i++) {
        long offset = random.nextLong(-10, SECTORS * 512L + 10);
        assertThat(seek(seeks, offset, DiskSeeks.SEEK_DATA)).isEqualTo(next(data, offset, true));
        assertThat(seek(seeks, offset, DiskSeeks.SEEK_HOLE)).isEqualTo(next(data, offset, false));
      }
      assertThat(seek(seeks, 0, 0)).isEqualTo(-Errno.EINVAL.number());
    }
  }

  private static long seek(DiskSeeks seeks, long offset, int whence) {
    ByteBuffer reply = ByteBuffer.allocate(8);
    int errno = seeks.seek(offset, whence, reply);
    return errno == 0 ? reply.getLong(0) : -errno;
  }

  private static long next(boolean[] data, long offset, boolean wanted) {
    if (offset < 0 || offset >= SECTORS * 512L) {
      return NOT_THERE;
    }
    for (long at = offset; at < SECTORS * 512L; at++) {
      if (data[(int) (at / 512)] == wanted) {
        return at;
      }
    }
    return wanted ? NOT_THERE : SECTORS * 512L;
  }
}
