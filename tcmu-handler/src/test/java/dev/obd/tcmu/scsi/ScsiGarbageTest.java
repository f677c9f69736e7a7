package dev.obd.tcmu.scsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.MemoryDisk;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a command leaves to the garbage collector, the device's part included. */
final class ScsiGarbageTest {
  private static final int COMMANDS = 20_000;
  private static final int MOST_BYTES = 1024;

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "READ(10) of 4 KiB, 28000000001000000800, 4096",
    "WRITE(10) of 4 KiB, 2A000000001000000800, 4096",
    "READ(16) of 64 KiB in pieces, 88000000000000000010000000800000, 4096",
    "TEST UNIT READY, 000000000000, 0",
  })
  void commandLeavesLessThanAKibibyte(String name, String digits, int piece) throws IOException {
    assumeTrue(
        ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean,
        "this JVM does not count allocations");
    var counter = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    byte[] cdb = ScsiTester.hex(digits);
    int bytes = cdb.length == 16 ? 65536 : piece;
    ByteBuffer area = ByteBuffer.allocateDirect(bytes);
    List<ByteBuffer> data = piece == 0 ? List.of() : ScsiTester.cut(area, piece);
    CommandDone done =
        result -> {
          if (result.status() != ScsiResult.GOOD) {
            throw new AssertionError(result); // no assertThat: it would be counted
          }
        };
    var identity = new Identity(() -> "1", "");
    try (var tester =
        new ScsiTester(
            MemoryDisk.writable(1 << 20), DeviceOptions.DEFAULTS, identity, ScsiTester.THREADS)) {
      tester.out("2A000000001000008000", new byte[65536]).isGood();
      long before = 0;
      for (int i = 0; i < 2 * COMMANDS; i++) {
        if (i == COMMANDS) {
          before = counter.getCurrentThreadAllocatedBytes();
        }
        data.forEach(ByteBuffer::rewind);
        tester.disk.submit(cdb, data, true, done);
      }
      long each = (counter.getCurrentThreadAllocatedBytes() - before) / COMMANDS;
      System.out.println("garbage: " + name + ": " + each + " bytes");
      assertThat(each).as(name).isLessThan(MOST_BYTES);
    }
  }
}
