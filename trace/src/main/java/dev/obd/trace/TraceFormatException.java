package dev.obd.trace;

import java.io.IOException;

/**
 * These bytes are not a trace that may be replayed. Says which file, where, which field, what was
 * expected and what was found.
 */
public final class TraceFormatException extends IOException {
  private static final long serialVersionUID = 1;

  private final String file;
  private final long offset;
  private final String field;
  private final String expected;
  private final String actual;

  /** One field of one file is wrong. */
  public TraceFormatException(
      String file, long offset, String field, Object expected, Object actual) {
    super(file + " @" + offset + ": " + field + ": expected " + expected + ", got " + actual);
    this.file = file;
    this.offset = offset;
    this.field = field;
    this.expected = expected.toString();
    this.actual = actual.toString();
  }

  /** The file or blob. */
  public String file() {
    return file;
  }

  /** Where in the file, in bytes. */
  public long offset() {
    return offset;
  }

  /** The field's name in docs/formats/trace.md. */
  public String field() {
    return field;
  }

  public String expected() {
    return expected;
  }

  public String actual() {
    return actual;
  }
}
