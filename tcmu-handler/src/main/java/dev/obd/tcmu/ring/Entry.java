package dev.obd.tcmu.ring;

import dev.obd.tcmu.scsi.ScsiResult;
import dev.obd.tcmu.scsi.Sense;
import java.nio.ByteBuffer;

/**
 * One entry of the ring: a request, over which its answer, or another's, is written.
 *
 * <pre>
 * offset field
 *      0 u32 length of the entry, a multiple of 8; bits 0 to 2: kind
 *      4 u16 number of the command
 *      6 u8  flags of the kernel
 *      7 u8  flags of the answer: 1 unknown kind, 2 length read is given, 4 buffers are kept
 * a command:
 *      8 u32 number of buffers, 12 u32 of the other direction, 16 u32 of protection information
 *     24 u64 offset of the command descriptor block
 *     48 buffers: u64 offset, u64 length
 * an answer:
 *      8 u8  SCSI status
 *     12 u32 length read
 *     16 96 bytes of sense data
 * a task management notice:
 *      8 u8  what was asked for
 *     12 u32 number of commands it is about
 *     32 their numbers, u16
 * </pre>
 *
 * Offsets of buffers and blocks are from the start of the shared memory. Source: Linux,
 * include/uapi/linux/target_core_user.h.
 */
final class Entry {
  static final int ALIGNMENT = 8;
  static final int KIND_MASK = 7;
  static final int PADDING = 0;
  static final int COMMAND = 1;
  static final int TASK_MANAGEMENT = 2;

  static final int NUMBER_AT = 4;
  static final int BUFFERS_AT = 8;
  static final int OTHER_BUFFERS_AT = 12;
  static final int PROTECTION_BUFFERS_AT = 16;
  static final int BLOCK_AT = 24;
  static final int BUFFER_LIST_AT = 48;
  static final int BUFFER_BYTES = 16;
  static final int TASK_FUNCTION_AT = 8;

  /** Every command's entry has room for an answer. */
  static final int LEAST_COMMAND_BYTES = 112;

  static final int LEAST_TASK_MANAGEMENT_BYTES = 32;

  private static final int ANSWER_FLAGS_AT = 7;
  private static final int STATUS_AT = 8;
  private static final int READ_LENGTH_AT = 12;
  private static final int SENSE_AT = 16;
  private static final int SENSE_BYTES = 96;
  private static final byte UNKNOWN_KIND = 1;
  private static final byte LENGTH_READ_IS_GIVEN = 2;
  private static final byte BUFFERS_ARE_KEPT = 4;

  private Entry() {}

  static void markUnknown(ByteBuffer area, int at) {
    area.put(at + ANSWER_FLAGS_AT, UNKNOWN_KIND);
  }

  /**
   * Writes an answer.
   *
   * @param number of the command that is answered
   * @param lengthRead -1 if it is not to be given
   */
  static void answer(
      ByteBuffer area, int at, int number, ScsiResult result, long lengthRead, boolean keep) {
    byte flags = keep ? BUFFERS_ARE_KEPT : 0;
    if (lengthRead >= 0) {
      flags |= LENGTH_READ_IS_GIVEN;
    }
    area.putShort(at + NUMBER_AT, (short) number);
    area.put(at + ANSWER_FLAGS_AT, flags);
    area.putInt(at + STATUS_AT, 0); // the padding, too
    area.put(at + STATUS_AT, (byte) result.status());
    area.putInt(at + READ_LENGTH_AT, (int) Math.max(0, lengthRead));
    Sense sense = result.sense();
    if (sense != null) {
      ByteBuffer out = area.slice(at + SENSE_AT, SENSE_BYTES);
      sense.put(out);
      while (out.hasRemaining()) {
        out.put((byte) 0);
      }
    }
  }

  /**
   * The length of a command descriptor block.
   *
   * @param block its first byte
   * @param additional its byte 7
   */
  static int blockBytes(byte block, byte additional) {
    if (block == 0x7f) {
      return 8 + Byte.toUnsignedInt(additional);
    }
    return switch ((block & 0xff) >> 5) {
      case 0 -> 6;
      case 3, 5 -> 12;
      case 4 -> 16;
      default -> 10;
    };
  }
}
