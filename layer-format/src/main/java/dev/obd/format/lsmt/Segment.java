package dev.obd.format.lsmt;

/**
 * One mapping record, 16 bytes, packed in two longs. All numbers are sectors of 512 bytes.
 *
 * <pre>
 * word 0   bits 0..49   offset, on the disk
 *          bits 50..63  length
 * word 1   bits 0..54   moffset: where the data lies in the layer file
 *          bit  55      zeroed: the range reads as zeros and has no data
 *          bits 56..63  tag: which layer of a stack
 * </pre>
 *
 * Both words are little-endian. A record whose offset is 2^50-1 is padding. Source: overlaybd
 * 063821f, lsmt/index.h.
 */
final class Segment {
  static final int BYTES = 16;
  static final int SECTOR = 512;
  static final int MAX_LENGTH = (1 << 14) - 1;

  /** The offset that marks padding; disks end before it. */
  static final long INVALID_OFFSET = (1L << 50) - 1;

  static final long MAX_MOFFSET = (1L << 55) - 1;
  static final int MAX_TAG = 255;

  static final long PADDING_0 = INVALID_OFFSET;
  static final long PADDING_1 = 0;

  private static final long ZEROED = 1L << 55;

  private Segment() {}

  static long word0(long offset, long length) {
    return offset | (length << 50);
  }

  static long word1(long moffset, boolean zeroed, int tag) {
    return moffset | (zeroed ? ZEROED : 0) | ((long) tag << 56);
  }

  static long offset(long word0) {
    return word0 & INVALID_OFFSET;
  }

  static int length(long word0) {
    return (int) (word0 >>> 50);
  }

  static long end(long word0) {
    return offset(word0) + length(word0);
  }

  static boolean isPadding(long word0) {
    return offset(word0) == INVALID_OFFSET;
  }

  static long moffset(long word1) {
    return word1 & MAX_MOFFSET;
  }

  static boolean zeroed(long word1) {
    return (word1 & ZEROED) != 0;
  }

  static int tag(long word1) {
    return (int) (word1 >>> 56);
  }

  static long withTag(long word1, int tag) {
    return (word1 & ~(0xffL << 56)) | ((long) tag << 56);
  }

  /** {@code word1} of what is left when the first {@code sectors} are cut off. */
  static long advance(long word1, long sectors) {
    return zeroed(word1) ? word1 : word1 + sectors;
  }

  /** The part of the record from {@code offset} to {@code end}: its word 0. */
  static long clip(long offset, long end) {
    return word0(offset, end - offset);
  }
}
