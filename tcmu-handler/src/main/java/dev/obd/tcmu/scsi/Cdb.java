package dev.obd.tcmu.scsi;

/** A command descriptor block: big-endian fields at fixed places. The bytes are not copied. */
final class Cdb {
  private final byte[] bytes;

  Cdb(byte[] bytes) {
    this.bytes = bytes;
  }

  int length() {
    return bytes.length;
  }

  int opcode() {
    return u8(0);
  }

  int serviceAction() {
    return u8(1) & 0x1F;
  }

  int u8(int at) {
    return bytes[at] & 0xFF;
  }

  int u16(int at) {
    return u8(at) << 8 | u8(at + 1);
  }

  long u32(int at) {
    return (long) u16(at) << 16 | u16(at + 2);
  }

  long u64(int at) {
    return u32(at) << 32 | u32(at + 4);
  }

  boolean bit(int at, int mask) {
    return (u8(at) & mask) != 0;
  }

  /** The logical block address of READ, WRITE and their like; negative if it is beyond 2^63. */
  long lba() {
    return switch (bytes.length) {
      case 6 -> (u8(1) & 0x1F) << 16 | u16(2);
      case 10, 12 -> u32(2);
      default -> u64(2);
    };
  }

  /** The number of blocks of READ, WRITE and their like. */
  long blocks() {
    return switch (bytes.length) {
      case 6 -> u8(4) == 0 ? 256 : u8(4);
      case 10 -> u16(7);
      case 12 -> u32(6);
      default -> u32(10);
    };
  }
}
