package dev.obd.tcmu.scsi;

import dev.obd.backstore.device.BlockDevice;
import java.nio.ByteBuffer;

/** Answers that need no more than to look: capacity, pending sense, logical units. */
final class Facts {
  private static final int DESCRIPTOR_FORMAT = 0x01;
  private static final int WELL_KNOWN_ONLY = 0x01;
  private static final int MOST_SELECT = 0x02;
  private static final long LAST_LBA_TOO_LARGE = 0xFFFF_FFFFL;

  /** LBPME and LBPRZ: blocks can be given back, and read as zeros then. */
  private static final int PROVISIONED = 0xC0;

  private Facts() {}

  static byte[] capacity10(BlockDevice device) throws Refusal {
    long last = Math.min(lastLba(device), LAST_LBA_TOO_LARGE); // which says: ask with 16 bytes
    return ByteBuffer.allocate(8).putInt((int) last).putInt(Blocks.BYTES).array();
  }

  static byte[] capacity16(BlockDevice device) throws Refusal {
    var out = ByteBuffer.allocate(32).putLong(lastLba(device)).putInt(Blocks.BYTES);
    return out.put(14, (byte) PROVISIONED).array();
  }

  private static long lastLba(BlockDevice device) throws Refusal {
    if (device.size() == 0) {
      throw new Refusal(Sense.NO_MEDIUM); // there is no last block to name
    }
    return (device.size() >> Blocks.SHIFT) - 1;
  }

  /** Sense goes out with the command it belongs to; nothing is ever pending. */
  static byte[] pendingSense(Cdb cdb) {
    if (!cdb.bit(1, DESCRIPTOR_FORMAT)) {
      return Sense.NONE.bytes();
    }
    byte[] none = new byte[8];
    none[0] = 0x72;
    return none;
  }

  /** Logical unit 0 is all there is. */
  static byte[] logicalUnits(Cdb cdb) throws Refusal {
    int select = cdb.u8(2);
    if (select > MOST_SELECT) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    int bytes = select == WELL_KNOWN_ONLY ? 0 : 8;
    return ByteBuffer.allocate(8 + bytes).putInt(bytes).array();
  }
}
