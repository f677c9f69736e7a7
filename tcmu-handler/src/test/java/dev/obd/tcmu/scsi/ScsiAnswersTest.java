package dev.obd.tcmu.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.ScriptedDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the disk says of itself, byte for byte. */
final class ScsiAnswersTest {
  private static final int SIZE = 1 << 20;
  private static final DeviceOptions OPTIONS = DeviceOptions.DEFAULTS;

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

  @Test
  void unitSerialNumberEndsWithANul() {
    String expected = "00800025" + text(ScsiTester.SERIAL) + "00";
    assertThat(writable.in("120180 00FF00", 255).hex()).isEqualTo(expected);
  }

  @Test
  void deviceIsIdentifiedByVendorByNameAndByConfiguration() {
    String vendor = text("LIO-ORG " + ScsiTester.SERIAL) + "00";
    String config = text(ScsiTester.CONFIG) + "00";
    String expected =
        "00830070"
            + ("0201002d" + vendor)
            + ("01030010" + "60014057c9f1a2b3d4e4f50816273849")
            + ("02000027" + config);
    assertThat(writable.in("120183 00FF00", 255).hex()).isEqualTo(expected);
  }

  @Test
  void blockLimitsAgreeWithWhatIsTaken() {
    String expected =
        ("00b0003c" + "01" + "01" + "0000" + "00000000" + "00000000" + "00000000")
            + ("00400000" + "00000100" + "00000000" + "80000000")
            + ("0000000000100000" + "00".repeat(20));
    assertThat(writable.in("1201B0 00FF00", 255).hex()).isEqualTo(expected);
  }

  @ParameterizedTest(name = "\"{0}\"")
  @CsvSource({
    "'', 60014050000000000000000000000000",
    "zz1, 60014051000000000000000000000000",
    "ffffffffffffffffffffffffffffffffff, 6001405fffffffffffffffffffffffff"
  })
  void nameTakesTheHexadecimalDigitsOfTheSerial(String serial, String naa) throws IOException {
    var identity = new Identity(() -> serial, "");
    try (var disk = new ScsiTester(MemoryDisk.writable(SIZE), OPTIONS, identity, Runnable::run)) {
      assertThat(disk.in("120183 00FF00", 255).hex()).contains("01030010" + naa + "0200000100");
      assertThat(disk.in("120180 00FF00", 255).hex()).endsWith(text(serial) + "00");
    }
  }

  @Test
  void endlessIdentityIsCut() throws IOException {
    var identity = new Identity(() -> "7".repeat(100_000), "c".repeat(100_000));
    try (var disk = new ScsiTester(MemoryDisk.writable(SIZE), OPTIONS, identity, Runnable::run)) {
      assertThat(disk.in("120180 040000", 1024).hex())
          .isEqualTo("008000ff" + text("7".repeat(254)) + "00");
      assertThat(disk.in("120183 040000", 1024).hex())
          .startsWith("00830" + Integer.toHexString(4 + 255 + 20 + 4 + 255) + "020100ff")
          .endsWith("020000ff" + text("c".repeat(254)) + "00");
    }
  }

  @Test
  void serialThatCannotBeReadIsAHardwareError() throws IOException {
    var identity =
        new Identity(
            () -> {
              throw new IOException("no such file");
            },
            "");
    try (var disk = new ScsiTester(MemoryDisk.writable(SIZE), OPTIONS, identity, Runnable::run)) {
      assertThat(disk.in("120180 00FF00", 255).sense()).isEqualTo("4/44/00");
      assertThat(disk.in("120183 00FF00", 255).sense()).isEqualTo("4/44/00");
      disk.in("120000 00FF00", 255).isGood();
    }
  }

  private static final String RECOVERY = "010a00000000000000000000";
  private static final String CACHING = "0812" + "04" + "00".repeat(17);
  private static final String CACHING_OFF = "0812" + "00".repeat(18);
  private static final String CONTROL = "0a0a0200004000 00ffff0000".replace(" ", "");

  @Test
  void modeSenseTellsOfACacheThatFuaReachesThrough() {
    String all = RECOVERY + CACHING + CONTROL;
    assertThat(writable.in("1A003F00FF00", 255).hex()).isEqualTo("2f001000" + all);
    assertThat(writable.in("1A083FFFFF00", 255).hex()).isEqualTo("2f001000" + all);
    assertThat(writable.in("5A003F0000000000FF00", 255).hex()).isEqualTo("0032001000000000" + all);
    assertThat(writable.in("1A000800FF00", 255).hex()).isEqualTo("17001000" + CACHING);
    assertThat(writable.in("1A000100FF00", 255).hex()).isEqualTo("0f001000" + RECOVERY);
    assertThat(writable.in("5A000A0000000000FF00", 255).hex())
        .isEqualTo("0012001000000000" + CONTROL);
    assertThat(writable.in("1A008800FF00", 255).hex())
        .as("default")
        .isEqualTo("17001000" + CACHING);
    assertThat(writable.in("1A007F00FF00", 255).hex())
        .as("changeable")
        .isEqualTo("2f001000" + "010a" + "00".repeat(10) + CACHING_OFF + "0a0a" + "00".repeat(10));
  }

  @Test
  void readOnlyDiskIsWriteProtectedAndHasNoCache() {
    assertThat(readOnly.in("1A003F00FF00", 255).hex())
        .isEqualTo("2f008000" + RECOVERY + CACHING_OFF + CONTROL);
    assertThat(readOnly.in("5A000800000000 00FF00", 255).hex())
        .isEqualTo("001a008000000000" + CACHING_OFF);
  }

  @Test
  void whatModeSenseSaysMayBeSelected() {
    String all = RECOVERY + CACHING + CONTROL;
    writable
        .out("151000001800", ScsiTester.hex("17001000" + "8" + CACHING.substring(1)))
        .isGood(); // as sensed, with the bit that says a page can be saved
    writable.out("151000003000", ScsiTester.hex("00000000" + all)).isGood();
    writable.out("55100000000000003400", ScsiTester.hex("0000000000000000" + all)).isGood();
    writable.out("151000000400", ScsiTester.hex("00000000")).isGood();
    writable.out("151000000000").isGood();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "turn the cache off, 151000001800, 00000000 0812"
        + "000000000000000000000000000000000000, 5/26/00",
    "unknown page, 151000001000, 00000000 020a00000000000000000000, 5/26/00",
    "page cut, 151000000600, 00000000 010a, 5/1a/00",
    "page of another length, 151000000C00, 00000000 0106000000000000, 5/1a/00",
    "subpage, 151000001000, 00000000 410a00000000000000000000, 5/26/00",
    "block descriptor, 151000000C00, 00000008 0000000000000200, 5/26/00",
    "less data than said, 151000002000, 00000000, 5/1a/00",
    "no room for a header, 551000000000000004 00, 00000000, 5/1a/00",
    "no page format, 150000000400, 00000000, 5/24/00",
    "save, 151100000400, 00000000, 5/24/00"
  })
  void nothingElseMayBeSelected(String name, String cdb, String list, String sense) {
    assertThat(writable.out(cdb, ScsiTester.hex(list)).sense()).as(name).isEqualTo(sense);
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource({
    "unknown opcode, C00000000000, 5/20/00",
    "READ BUFFER, 3C000000000000000000, 5/20/00",
    "PERSISTENT RESERVE IN, 5E000000000000000800, 5/20/00",
    "PERSISTENT RESERVE OUT, 5F000000000000001800, 5/20/00",
    "RESERVE(6), 160000000000, 5/20/00",
    "RELEASE(6), 170000000000, 5/20/00",
    "LOG SENSE, 4D000000000000000800, 5/20/00",
    "GET LBA STATUS, 9E12000000000000000000000020 0000, 5/20/00",
    "REPORT TARGET PORT GROUPS, A30A00000000000000200000, 5/20/00",
    "MAINTENANCE OUT, A40A00000000000000200000, 5/20/00",
    "variable length, 7F000000000000180009 2020000000000000000000000000000000000000000000, 5/20/00",
    "CDB of a wrong length, 28000000, 5/20/00",
    "empty CDB, '', 5/20/00",
    "INQUIRY of a page without EVPD, 12000100FF00, 5/24/00",
    "unknown VPD page, 12018600FF00, 5/24/00",
    "unknown mode page, 1A000200FF00, 5/24/00",
    "mode subpage, 1A000801FF00, 5/24/00",
    "all pages one subpage, 1A003F01FF00, 5/24/00",
    "saved mode pages, 1A00FF00FF00, 5/39/00",
    "no room for a mode header, 1A003F000300, 5/24/00",
    "no room for a long mode header, 5A003F00000000000700, 5/24/00",
    "LUNs of a vendor's kind, A00010000000000001000000, 5/24/00",
    "opcodes by an unknown option, A30C04000000000001000000, 5/24/00",
    "opcode with action unasked, A30C019E000000000100 0000, 5/24/00",
    "opcode without action asked, A30C0228000000000100 0000, 5/24/00",
    "eject, 1B0000000200, 5/24/00",
    "power condition, 1B0000003000, 5/24/00",
    "PREVENT for a changer, 1E0000000200, 5/24/00",
    "READ(10) past the end, 280000000800 00000100, 5/21/00",
    "READ(10) over the end, 2800000007FF 00000200, 5/21/00",
    "READ(6) of 256 over the end, 080007010000, 5/21/00",
    "READ(16) beyond all, 8800FFFFFFFFFFFFFFFF000000010000, 5/21/00",
    "READ(16) of nothing beyond all, 88008000000000000000000000000000, 5/21/00",
    "READ(10) protected, 28200000000000000100, 5/24/00",
    "WRITE(10) past the end, 2A0000000800 00000100, 5/21/00",
    "WRITE(12) over the end, AA00000000000000FFFF0000, 5/21/00",
    "WRITE(16) protected, 8A2000000000000000000000000100 00, 5/24/00",
    "WRITE(10) without data, 2A000000000000000200, 5/24/00",
    "SYNCHRONIZE CACHE past the end, 35000000080000000100, 5/21/00",
    "VERIFY(10) past the end, 2F000000080000000100, 5/21/00",
    "VERIFY(10) BYTCHK 2, 2F040000000000000100, 5/24/00",
    "VERIFY(10) BYTCHK 1 without data, 2F020000000000000200, 5/24/00",
    "VERIFY(16) protected, 8F200000000000000000000000010000, 5/24/00",
    "WRITE SAME(10) of nothing, 41080000000000000000, 5/24/00",
    "WRITE SAME(10) past the end, 41080000080000000100, 5/21/00",
    "WRITE SAME(10) anchored, 41180000000000000100, 5/24/00",
    "WRITE SAME(10) of block numbers, 41020000000000000100, 5/24/00",
    "WRITE SAME(16) protected, 93280000000000000000000000010000, 5/24/00",
    "UNMAP anchored, 42010000000000001800, 5/24/00",
    "UNMAP without a header, 42000000000000000400, 5/1a/00",
    "UNMAP of less data than said, 42000000000000FFFF00, 5/1a/00",
    "COMPARE AND WRITE of two, 89000000000000000000000000020000, 5/24/00",
    "COMPARE AND WRITE past the end, 89000000000000000800000000010000, 5/21/00",
    "COMPARE AND WRITE without data, 89000000000000000000000000010000, 5/24/00",
    "COMPARE AND WRITE protected, 89200000000000000000000000010000, 5/24/00"
  })
  void isRefused(String name, String cdb, String sense) {
    assertThat(writable.in(cdb, 300).sense()).as(name).isEqualTo(sense);
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource({
    "WRITE(6), 0A0000000100",
    "WRITE(10), 2A000000000000000100",
    "WRITE(10) of nothing, 2A000000000000000000",
    "WRITE(12), AA0000000000000000010000",
    "WRITE(16), 8A000000000000000000000000010000",
    "WRITE SAME(10), 41080000000000000100",
    "WRITE SAME(16), 93000000000000000000000000010000",
    "UNMAP, 42000000000000001800",
    "COMPARE AND WRITE, 89000000000000000000000000010000"
  })
  void readOnlyDiskRefusesChanges(String name, String cdb) {
    assertThat(readOnly.in(cdb, 1024).sense()).as(name).isEqualTo("5/30/05");
  }

  @Test
  void readOnlyDiskHasNothingToFlush() {
    readOnly.in("35000000000000000000", 0).isGood();
    readOnly.in("1B0000000000", 0).isGood();
  }

  @Test
  void answersAreCutToTheBufferAndTheRestOfABufferIsZeros() {
    byte[] old = new byte[64];
    Arrays.fill(old, (byte) 0x55);
    byte[] inquiry = Inquiry.standard();
    for (int allocated : new int[] {0, 1, 5, 36, 40, 255}) {
      for (int room : new int[] {0, 1, 5, 36, 64}) {
        byte[] cdb = {0x12, 0, 0, 0, (byte) allocated, 0};
        ScsiTester.Answer answer = writable.run(cdb, Arrays.copyOf(old, room));
        int moved = Math.min(Math.min(allocated, room), 36);
        answer.isGood();
        assertThat(answer.result().transferred()).isEqualTo(moved);
        assertThat(answer.data()).isEqualTo(Arrays.copyOf(Arrays.copyOf(inquiry, moved), room));
      }
    }
  }

  @Test
  void everyOpcodeIsReportedAndTaken() {
    byte[] all = writable.in("A30C80000000000010000000", 4096).data();
    int bytes = ByteBuffer.wrap(all).getInt(0);
    assertThat(bytes).isEqualTo(20 * Opcode.all().size());
    for (int at = 4; at < 4 + bytes; at += 20) {
      int length = all[at + 7];
      boolean action = (all[at + 5] & 1) != 0;
      assertThat(all[at + 5] & 2).as("a timeouts descriptor follows").isEqualTo(2);
      byte[] cdb = new byte[length];
      cdb[0] = all[at];
      cdb[1] = action ? all[at + 3] : 0;
      assertThat(writable.run(cdb, new byte[0]).sense())
          .as("opcode %02x", all[at])
          .isNotEqualTo("5/20/00");
    }
    assertThat(writable.in("A30C00000000000010000000", 4096).result().transferred())
        .isEqualTo(4 + 8L * Opcode.all().size());
  }

  @Test
  void diskWithoutBlocksHasNoCapacity() throws IOException {
    try (var none = new ScsiTester(MemoryDisk.writable(0))) {
      assertThat(none.in("25000000000000000000", 8).sense()).isEqualTo("2/3a/00");
      assertThat(none.in("9E1000000000000000000000002000 00", 32).sense()).isEqualTo("2/3a/00");
      assertThat(none.in("28000000000000000100", 512).sense()).isEqualTo("5/21/00");
      none.in("35000000000000000000", 0).isGood();
    }
  }

  @Test
  void capacityTooLargeForTenBytesSaysSo() throws IOException {
    var huge =
        new ScriptedDisk(MemoryDisk.writable(0)) {
          @Override
          public long size() {
            return 1L << 50;
          }
        };
    try (var disk = new ScsiTester(huge)) {
      assertThat(disk.in("25000000000000000000", 8).hex()).isEqualTo("ffffffff00000200");
      assertThat(disk.in("9E1000000000000000000000000C0000", 32).hex())
          .isEqualTo("000001ffffffffff00000200");
    }
  }

  @Test
  void senseIsFixedFormatOf18Bytes() {
    assertThat(HexFormat.of().formatHex(Sense.WRITE_ERROR.bytes()))
        .isEqualTo("700003" + "00000000" + "0a" + "00000000" + "0c00" + "00000000");
    assertThat(HexFormat.of().formatHex(Sense.MISCOMPARE.withInformation(0x1FE).bytes()))
        .isEqualTo("f0000e" + "000001fe" + "0a" + "00000000" + "1d00" + "00000000");
  }
}
