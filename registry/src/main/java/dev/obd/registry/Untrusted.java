package dev.obd.registry;

/** Text from outside, made fit for a message: no control characters, bounded. */
public final class Untrusted {
  private Untrusted() {}

  /** At most {@code limit} characters of {@code text}, anything unprintable replaced. */
  public static String printable(String text, int limit) {
    var out = new StringBuilder(Math.min(text.length(), limit) + 1);
    for (int i = 0; i < text.length() && i < limit; i++) {
      char c = text.charAt(i);
      boolean plain = !Character.isISOControl(c) && Character.getType(c) != Character.FORMAT;
      out.append(plain ? c : '?');
    }
    return text.length() > limit ? out.append('…').toString() : out.toString();
  }
}
