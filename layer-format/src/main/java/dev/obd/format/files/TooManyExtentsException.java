package dev.obd.format.files;

import dev.obd.io.FormatException;

/** A file lies in more places than the caller wants to know of, or than any file does. */
public final class TooManyExtentsException extends FormatException {
  private static final long serialVersionUID = 1;

  /**
   * Says so.
   *
   * @param blob the disk
   * @param offset where on it more is stated
   */
  public TooManyExtentsException(String blob, long offset, String file, int most) {
    super(blob, offset, "extents of " + file, "at most " + most, "more");
  }
}
