package dev.obd.tcmu.scsi;

import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The commands this disk knows. Sources: SPC-4 and SBC-3.
 *
 * <p>Each has the usage map that REPORT SUPPORTED OPERATION CODES shows: the CDB with a one for
 * every bit that is looked at; its first byte is the operation code, and its length the CDB's.
 */
enum Opcode {
  TEST_UNIT_READY("000000000000"),
  REQUEST_SENSE("03010000FF00"),
  READ_6("081FFFFFFF00"),
  WRITE_6("0A1FFFFFFF00"),
  INQUIRY("1201FFFFFF00"),
  MODE_SELECT_6("15110000FF00"),
  MODE_SENSE_6("1A08FFFFFF00"),
  START_STOP_UNIT("1B010000F700"),
  PREVENT_ALLOW_MEDIUM_REMOVAL("1E0000000300"),
  READ_CAPACITY_10("25000000000000000000"),
  READ_10("28F8FFFFFFFF00FFFF00"),
  WRITE_10("2AF8FFFFFFFF00FFFF00"),
  VERIFY_10("2FF6FFFFFFFF00FFFF00"),
  SYNCHRONIZE_CACHE_10("3502FFFFFFFF00FFFF00"),
  WRITE_SAME_10("41FEFFFFFFFF00FFFF00"),
  UNMAP("42010000000000FFFF00"),
  MODE_SELECT_10("55110000000000FFFF00"),
  MODE_SENSE_10("5A18FFFF000000FFFF00"),
  READ_16("88F8FFFFFFFFFFFFFFFFFFFFFFFF0000"),
  COMPARE_AND_WRITE("89F8FFFFFFFFFFFFFFFF000000FF0000"),
  WRITE_16("8AF8FFFFFFFFFFFFFFFFFFFFFFFF0000"),
  VERIFY_16("8FF6FFFFFFFFFFFFFFFFFFFFFFFF0000"),
  SYNCHRONIZE_CACHE_16("9102FFFFFFFFFFFFFFFFFFFFFFFF0000"),
  WRITE_SAME_16("93FFFFFFFFFFFFFFFFFFFFFFFFFF0000"),
  READ_CAPACITY_16("9E100000000000000000FFFFFFFF0000", true),
  REPORT_LUNS("A000FF000000FFFFFFFF0000"),
  REPORT_SUPPORTED_OPERATION_CODES("A30C87FFFFFFFFFFFFFF0000", true),
  READ_12("A8F8FFFFFFFFFFFFFFFF0000"),
  WRITE_12("AAF8FFFFFFFFFFFFFFFF0000"),
  VERIFY_12("AFF6FFFFFFFFFFFFFFFF0000");

  private static final List<Opcode> ALL = List.of(values());
  private static final @Nullable Opcode[] BY_CODE = new @Nullable Opcode[256]; // no code has two

  static {
    for (Opcode opcode : ALL) {
      BY_CODE[opcode.code()] = opcode;
    }
  }

  private final String usage;
  private final int code;
  private final int secondByte;
  private final int cdbLength;
  private final boolean hasServiceAction;

  Opcode(String usage) {
    this(usage, false);
  }

  Opcode(String usage, boolean hasServiceAction) {
    this.usage = usage;
    this.code = HexFormat.fromHexDigits(usage, 0, 2);
    this.secondByte = HexFormat.fromHexDigits(usage, 2, 4);
    this.cdbLength = usage.length() / 2;
    this.hasServiceAction = hasServiceAction;
  }

  static List<Opcode> all() {
    return ALL;
  }

  /** What {@code cdb} asks for; null if that is not known here. */
  static @Nullable Opcode of(Cdb cdb) {
    Opcode opcode = cdb.length() == 0 ? null : withCode(cdb.opcode());
    if (opcode == null || cdb.length() != opcode.cdbLength()) {
      return null;
    }
    boolean other = opcode.hasServiceAction && cdb.serviceAction() != opcode.serviceAction();
    return other ? null : opcode;
  }

  static @Nullable Opcode withCode(int code) {
    return BY_CODE[code];
  }

  int code() {
    return code;
  }

  boolean hasServiceAction() {
    return hasServiceAction;
  }

  /** 0 if it has none. */
  int serviceAction() {
    return hasServiceAction ? secondByte & 0x1F : 0;
  }

  int cdbLength() {
    return cdbLength;
  }

  byte[] usage() {
    return HexFormat.of().parseHex(usage);
  }
}
