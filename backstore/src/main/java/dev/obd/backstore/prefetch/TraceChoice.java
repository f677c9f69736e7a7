package dev.obd.backstore.prefetch;

import java.nio.file.Path;

/** Which recordings of an image are replayed. */
public sealed interface TraceChoice {
  /** All that are known. */
  record All() implements TraceChoice {}

  /** None. */
  record None() implements TraceChoice {}

  /** The runs of one program. */
  record Named(String name) implements TraceChoice {}

  /** Those of a file, a trace or runs, and no others. */
  record File(Path file) implements TraceChoice {}

  /** As text, that {@link #parse} reads. */
  default String text() {
    return switch (this) {
      case All _ -> "";
      case None _ -> "none";
      case Named(String name) -> "name:" + name;
      case File(Path file) -> "file:" + file;
    };
  }

  /**
   * Reads what {@link #text} wrote.
   *
   * @throws IllegalArgumentException if it is something else
   */
  static TraceChoice parse(String text) {
    if (text.isEmpty()) {
      return new All();
    }
    if (text.equals("none")) {
      return new None();
    }
    if (text.startsWith("name:")) {
      return new Named(text.substring(5));
    }
    if (text.startsWith("file:")) {
      return new File(Path.of(text.substring(5)));
    }
    throw new IllegalArgumentException(
        "trace: expected none, name:NAME or file:PATH, got '" + text + "'");
  }
}
