package dev.obd.registry;

import java.util.regex.Pattern;

/** {@code sha256:} and 64 lower-case hex digits. */
public record Digest(String value) {
  private static final Pattern FORM = Pattern.compile("sha256:[0-9a-f]{64}");

  public Digest {
    if (!FORM.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "digest: expected sha256:<64 hex digits>, got '" + value + "'");
    }
  }

  /** The 64 hex digits. */
  public String hex() {
    return value.substring(7);
  }

  @Override
  public String toString() {
    return value;
  }
}
