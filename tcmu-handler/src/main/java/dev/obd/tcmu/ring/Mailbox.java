package dev.obd.tcmu.ring;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The start of the shared memory, in the machine's byte order.
 *
 * <pre>
 * offset field
 *      0 u16 version: 2
 *      2 u16 flags
 *      4 u32 offset of the ring, bytes
 *      8 u32 size of the ring, bytes
 *     12 u32 head: where the kernel writes next, bytes from the start of the ring
 *     64 u32 tail: up to where we have answered
 * </pre>
 *
 * Source: Linux, include/uapi/linux/target_core_user.h.
 */
final class Mailbox {
  /** Answers may come in another order than commands. */
  static final int OUT_OF_ORDER = 1;

  /** An answer may say how much was read. */
  static final int READ_LENGTH = 2;

  /** An answer may keep its command's buffers. */
  static final int KEEP_BUFFERS = 8;

  private static final int VERSION_AT = 0;
  private static final int FLAGS_AT = 2;
  private static final int RING_AT = 4;
  private static final int RING_BYTES_AT = 8;
  private static final int HEAD_AT = 12;
  private static final int TAIL_AT = 64;
  private static final int LEAST_RING_OFFSET = TAIL_AT + Integer.BYTES;
  private static final int VERSION = 2;

  private static final VarHandle U32 =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  private final String name;
  private final ByteBuffer area;
  private final int flags;
  private final int ringOffset;
  private final int ringBytes;

  /**
   * @param name of the device, for messages
   * @param area the whole shared memory
   */
  Mailbox(String name, ByteBuffer area) throws CorruptRingException {
    this.name = name;
    this.area = area;
    if (area.capacity() <= LEAST_RING_OFFSET) {
      throw corrupt(0, "memory", "a mailbox", area.capacity());
    }
    int version = Short.toUnsignedInt(area.getShort(VERSION_AT));
    if (version != VERSION) {
      throw corrupt(VERSION_AT, "version", VERSION, version);
    }
    this.flags = Short.toUnsignedInt(area.getShort(FLAGS_AT));
    long offset = Integer.toUnsignedLong(area.getInt(RING_AT));
    if (offset < LEAST_RING_OFFSET || offset >= area.capacity() || offset % Entry.ALIGNMENT != 0) {
      throw corrupt(
          RING_AT,
          "offset of the ring",
          "a multiple of 8 from " + LEAST_RING_OFFSET + " on, below " + area.capacity(),
          offset);
    }
    long bytes = Integer.toUnsignedLong(area.getInt(RING_BYTES_AT));
    if (bytes == 0 || bytes > area.capacity() - offset || bytes % Entry.ALIGNMENT != 0) {
      throw corrupt(
          RING_BYTES_AT,
          "size of the ring",
          "a multiple of 8, at most " + (area.capacity() - offset),
          bytes);
    }
    this.ringOffset = (int) offset;
    this.ringBytes = (int) bytes;
  }

  CorruptRingException corrupt(long at, String field, Object expected, long actual) {
    return new CorruptRingException(name, at, field, expected, actual);
  }

  boolean offers(int flag) {
    return (flags & flag) != 0;
  }

  /** Of the ring, from the start of the memory. */
  int ringOffset() {
    return ringOffset;
  }

  int ringBytes() {
    return ringBytes;
  }

  /** Acquire: what the kernel wrote before it moved the head is visible after this. */
  int head() throws CorruptRingException {
    return position(HEAD_AT, "head", (int) U32.getAcquire(area, HEAD_AT));
  }

  int tail() throws CorruptRingException {
    return position(TAIL_AT, "tail", rawTail());
  }

  /** Whatever is there. */
  int rawTail() {
    return (int) U32.getAcquire(area, TAIL_AT);
  }

  CorruptRingException corruptTail(int expected, int actual) {
    return corrupt(TAIL_AT, "tail", expected, actual);
  }

  /** Release: the kernel sees the answers before the tail once it sees the tail. */
  void tail(int position) {
    U32.setRelease(area, TAIL_AT, position);
  }

  private int position(int at, String field, int value) throws CorruptRingException {
    if (value < 0 || value >= ringBytes || value % Entry.ALIGNMENT != 0) {
      throw corrupt(at, field, "a multiple of 8 below " + ringBytes, Integer.toUnsignedLong(value));
    }
    return value;
  }
}
