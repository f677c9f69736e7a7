package dev.obd.tcmu.scsi;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** REPORT SUPPORTED OPERATION CODES. Source: SPC-4, 6.35. */
final class SupportedOpcodes {
  private static final int WITH_TIMEOUTS = 0x80;
  private static final int ALL = 0;
  private static final int ONE_WITHOUT_SERVICE_ACTION = 1;
  private static final int ONE_WITH_SERVICE_ACTION = 2;
  private static final int ONE_OF_EITHER = 3;

  private static final int HEADER = 4;
  private static final int DESCRIPTOR = 8;
  private static final int TIMEOUTS = 12;
  private static final int NOT_SUPPORTED = 1;
  private static final int SUPPORTED = 3;
  private static final int TIMEOUTS_FOLLOW_ONE = 0x80;
  private static final int TIMEOUTS_FOLLOW = 0x02;
  private static final int HAS_SERVICE_ACTION = 0x01;

  private SupportedOpcodes() {}

  static byte[] report(Cdb cdb) throws Refusal {
    boolean timeouts = cdb.bit(2, WITH_TIMEOUTS);
    int options = cdb.u8(2) & 0x07;
    Opcode asked = Opcode.withCode(cdb.u8(3));
    boolean actions = asked != null && asked.hasServiceAction();
    return switch (options) {
      case ALL -> all(timeouts);
      case ONE_WITHOUT_SERVICE_ACTION -> {
        refuseIf(actions);
        yield one(asked, timeouts);
      }
      case ONE_WITH_SERVICE_ACTION -> {
        refuseIf(asked != null && !actions);
        yield one(withAction(asked, cdb.u16(4)), timeouts);
      }
      case ONE_OF_EITHER -> one(withAction(asked, cdb.u16(4)), timeouts);
      default -> throw new Refusal(Sense.INVALID_FIELD);
    };
  }

  private static void refuseIf(boolean wrongOption) throws Refusal {
    if (wrongOption) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
  }

  private static @Nullable Opcode withAction(@Nullable Opcode opcode, int action) {
    return opcode == null || opcode.serviceAction() != action ? null : opcode;
  }

  private static byte[] all(boolean timeouts) {
    int each = DESCRIPTOR + (timeouts ? TIMEOUTS : 0);
    int bytes = each * Opcode.all().size();
    var out = ByteBuffer.allocate(HEADER + bytes).putInt(bytes);
    for (Opcode opcode : Opcode.all()) {
      int flags = opcode.hasServiceAction() ? HAS_SERVICE_ACTION : 0;
      out.put((byte) opcode.code()).put((byte) 0).putShort((short) opcode.serviceAction());
      out.put((byte) 0).put((byte) (timeouts ? flags | TIMEOUTS_FOLLOW : flags));
      out.putShort((short) opcode.cdbLength());
      if (timeouts) {
        noTimeouts(out);
      }
    }
    return out.array();
  }

  private static byte[] one(@Nullable Opcode opcode, boolean timeouts) {
    if (opcode == null) {
      return new byte[] {0, NOT_SUPPORTED, 0, 0};
    }
    int bytes = HEADER + opcode.cdbLength() + (timeouts ? TIMEOUTS : 0);
    var out = ByteBuffer.allocate(bytes).put((byte) 0);
    out.put((byte) (timeouts ? SUPPORTED | TIMEOUTS_FOLLOW_ONE : SUPPORTED));
    out.putShort((short) opcode.cdbLength()).put(opcode.usage());
    if (timeouts) {
      noTimeouts(out);
    }
    return out.array();
  }

  /** A descriptor that says nothing of how long commands take: zeros. */
  private static void noTimeouts(ByteBuffer out) {
    out.putShort((short) (TIMEOUTS - 2)).put(new byte[TIMEOUTS - 2]);
  }
}
