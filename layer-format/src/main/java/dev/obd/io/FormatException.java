package dev.obd.io;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * These bytes are wrong; only another copy can help. Says which blob, where, which field, what was
 * expected and what was found.
 */
public class FormatException extends IOException {
  private static final long serialVersionUID = 1;

  private final String blob;
  private final long offset;
  private final String field;

  public FormatException(String blob, long offset, String field, Object expected, Object actual) {
    this(blob, offset, field, "expected " + expected + ", got " + actual, null);
  }

  public FormatException(String blob, long offset, String field, String problem) {
    this(blob, offset, field, problem, null);
  }

  public FormatException(
      String blob, long offset, String field, String problem, @Nullable Throwable cause) {
    super(blob + " @" + offset + ": " + field + ": " + problem, cause);
    this.blob = blob;
    this.offset = offset;
    this.field = field;
  }

  /** {@link BlockSource#name()} of the damaged source. */
  public String blob() {
    return blob;
  }

  /** Where in that source, in bytes. */
  public long offset() {
    return offset;
  }

  /** The field's name in docs/formats. */
  public String field() {
    return field;
  }
}
