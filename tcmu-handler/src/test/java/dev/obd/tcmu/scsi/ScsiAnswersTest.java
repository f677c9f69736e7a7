package dev.obd.tcmu.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.MemoryDisk;
import java.io.IOException;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the disk says of itself, byte for byte. */
final class ScsiAnswersTest {
  private static final int SIZE = 1 << 20;

  private final ScsiTester writable = new ScsiTester(MemoryDisk.writable(SIZE));
  private final ScsiTester readOnly;

  ScsiAnswersTest() throws IOException {
    readOnly = new ScsiTester(MemoryDisk.readOnly(new byte[SIZE]));
  }

  @AfterEach
  void close() throws Exception {
    writable.close();
    readOnly.close();
  }

  private static String text(String ascii) {
    return HexFormat.of().formatHex(ascii.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource({
    "TEST UNIT READY, 000000000000, ''",
    "VPD 00h, 120100 00FF00, 00000006 008083b0b1b2",
    "VPD B1h, 1201B1 00FF00, 00b1003c 000000000000000000000000000000000000000000000000000000000000"
        + "000000000000000000000000000000000000000000000000000000000000",
    "VPD B2h, 1201B2 00FF00, 00b20004 00e40000",
    "REQUEST SENSE, 030000 00FC00, 700000 00000000 0a 00000000 0000 00000000",
    "REQUEST SENSE with descriptors, 030100 00FC00, 7200000000000000",
    "READ CAPACITY(10), 25000000000000000000, 000007ff 00000200",
    "READ CAPACITY(16), 9E10000000000000000000000020 0000, 00000000000007ff 00000200 0000 c000"
        + "00000000000000000000000000000000",
    "REPORT LUNS, A00000000000000001000000, 00000008 00000000 0000000000000000",
    "REPORT LUNS well known only, A00001000000000001000000, 00000000 00000000",
    "REPORT LUNS all, A00002000000000001000000, 00000008 00000000 0000000000000000",
    "START, 1B0000000100, ''",
    "STOP, 1B0000000000, ''",
    "STOP without flush, 1B0000000400, ''",
    "PREVENT, 1E0000000100, ''",
    "ALLOW, 1E0000000000, ''",
    "SYNCHRONIZE CACHE(10), 35000000000000000000, ''",
    "SYNCHRONIZE CACHE(16), 91000000000000000000 000007FF 0000, ''",
    "INQUIRY of no bytes, 120000 000000, ''",
    "INQUIRY cut, 120000 000500, 000005021f",
    "MODE SENSE(6) of no bytes, 1A003F 000000, ''",
    "opcode WRITE SAME(16), A30C01930000000000 FF0000, 0003001093ffffffffffffffffffffffffff0000",
    "opcode TEST UNIT READY, A30C0100000000000 0FF0000, 00030006000000000000",
    "opcode with action, A30C039E0010000000 FF0000, 000300109e100000000000000000ffffffff0000",
    "unknown opcode, A30C01C10000000000 FF0000, 00010000",
    "opcode with unknown action, A30C029E0012000000 FF0000, 00010000",
    "opcode and timeouts, A30C8100000000000 0FF0000, 00830006000000000000"
        + "000a00000000000000000000"
  })
  void isAnswered(String name, String cdb, String expected) {
    assertThat(writable.in(cdb, 300).hex()).as(name).isEqualTo(expected.replace(" ", ""));
  }

  @Test
  void inquirySaysWhatTheOriginalSays() {
    String expected = "0000050 21f080002".replace(" ", "") + text("LIO-ORG TCMU device     0002");
    assertThat(writable.in("120000 00FF00", 255).hex()).isEqualTo(expected);
    assertThat(readOnly.in("120000 002400", 36).hex()).isEqualTo(expected);
  }
}
