package dev.obd.tcmu.scsi;

import java.nio.ByteBuffer;

/**
 * Why a command was refused or failed: current sense data in fixed format.
 *
 * <pre>
 * offset bytes field
 *  0     1     0x70, with VALID (0x80) if there is an information field
 *  2     1     sense key
 *  3     4     information, big endian
 *  7     1     additional length: 10
 * 12     1     additional sense code
 * 13     1     additional sense code qualifier
 * </pre>
 *
 * Source: SPC-4, 4.5.3.
 *
 * @param valid there is an {@code information}
 * @param information what it means depends on the command
 */
public record Sense(int key, int asc, int ascq, boolean valid, int information) {
  /** Bytes that {@link #put} writes. */
  public static final int LENGTH = 18;

  private static final int CURRENT_FIXED = 0x70;
  private static final int VALID = 0x80;
  private static final int ADDITIONAL_LENGTH = LENGTH - 8;

  static final Sense NONE = new Sense(0x0, 0x00, 0x00);
  static final Sense NO_MEDIUM = new Sense(0x2, 0x3A, 0x00);
  static final Sense WRITE_ERROR = new Sense(0x3, 0x0C, 0x00);
  static final Sense READ_ERROR = new Sense(0x3, 0x11, 0x00);

  /** READ RETRIES EXHAUSTED. Like every 11h it is final for Linux, which does not try again. */
  static final Sense READ_TIMED_OUT = new Sense(0x3, 0x11, 0x01);

  /** L-EC UNCORRECTABLE ERROR: the bytes are there, and wrong. */
  static final Sense READ_DAMAGED = new Sense(0x3, 0x11, 0x05);

  static final Sense INTERNAL_FAILURE = new Sense(0x4, 0x44, 0x00);
  static final Sense PARAMETER_LIST_LENGTH = new Sense(0x5, 0x1A, 0x00);
  static final Sense INVALID_OPCODE = new Sense(0x5, 0x20, 0x00);
  static final Sense OUT_OF_RANGE = new Sense(0x5, 0x21, 0x00);
  static final Sense INVALID_FIELD = new Sense(0x5, 0x24, 0x00);
  static final Sense INVALID_PARAMETER = new Sense(0x5, 0x26, 0x00);

  /** CANNOT WRITE MEDIUM - INCOMPATIBLE FORMAT, as the original says it. */
  static final Sense READ_ONLY = new Sense(0x5, 0x30, 0x05);

  static final Sense NO_SAVED_PAGES = new Sense(0x5, 0x39, 0x00);

  /** SPACE ALLOCATION FAILED WRITE PROTECT, which Linux turns into ENOSPC. */
  static final Sense NO_SPACE = new Sense(0x7, 0x27, 0x07);

  static final Sense MISCOMPARE = new Sense(0xE, 0x1D, 0x00);

  Sense(int key, int asc, int ascq) {
    this(key, asc, ascq, false, 0);
  }

  Sense withInformation(int value) {
    return new Sense(key, asc, ascq, true, value);
  }

  /** Writes {@link #LENGTH} bytes at the position of {@code dst}, of any byte order. */
  public void put(ByteBuffer dst) {
    dst.put((byte) (CURRENT_FIXED | (valid ? VALID : 0)));
    dst.put((byte) 0);
    dst.put((byte) key);
    for (int shift = 24; shift >= 0; shift -= 8) {
      dst.put((byte) (information >> shift));
    }
    dst.put((byte) ADDITIONAL_LENGTH);
    for (int i = 0; i < 4; i++) {
      dst.put((byte) 0);
    }
    dst.put((byte) asc);
    dst.put((byte) ascq);
    for (int i = 0; i < 4; i++) {
      dst.put((byte) 0);
    }
  }

  /** The same as an array of {@link #LENGTH} bytes. */
  public byte[] bytes() {
    ByteBuffer out = ByteBuffer.allocate(LENGTH);
    put(out);
    return out.array();
  }
}
