package dev.obd.io;

/** {@code length} bytes from {@code offset}; both are at least 0 and the end does not overflow. */
public record Range(long offset, long length) {
  public Range {
    if (offset < 0 || length < 0 || offset + length < 0) {
      throw new IllegalArgumentException("range: offset " + offset + ", length " + length);
    }
  }

  /** The first byte after the range. */
  public long end() {
    return offset + length;
  }
}
