package dev.obd.io;

/**
 * Text of images and registries as a terminal may get it: names that others chose must not move the
 * cursor, nor turn around what stands beside them.
 */
public final class Printable {
  private static final char INSTEAD = '\uFFFD';

  private Printable() {}

  /**
   * One line: control characters, line breaks too, and those that change the direction replaced.
   */
  public static String of(String text) {
    return replaced(text, false);
  }

  /** As {@link #of}, but lines stay lines. */
  public static String lines(String text) {
    return replaced(text, true);
  }

  private static String replaced(String text, boolean lines) {
    StringBuilder printable = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      printable.append(isEvil(c) && !(lines && c == '\n') ? INSTEAD : c);
    }
    return printable.toString();
  }

  private static boolean isEvil(char c) {
    return Character.isISOControl(c)
        || c == '\u061C'
        || c == '\u200E'
        || c == '\u200F'
        || (c >= '\u2028' && c <= '\u202E')
        || (c >= '\u2066' && c <= '\u2069');
  }
}
