package dev.obd.cli;

import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;

/** Lines of a name and a value, one below the other. */
final class Facts {
  private static final int WIDTH = 16;

  private final PrintWriter out;

  Facts(PrintWriter out) {
    this.out = out;
  }

  /** One line; none if there is no value. */
  Facts add(String name, @Nullable Object value) {
    if (value != null && !value.toString().isEmpty()) {
      out.println(name + " ".repeat(Math.max(1, WIDTH - name.length())) + value);
    }
    return this;
  }

  /** A size as people read it and to the byte. */
  static String bytes(long bytes) {
    return bytes < 1024 ? bytes + " bytes" : Sizes.show(bytes) + " (" + bytes + " bytes)";
  }
}
