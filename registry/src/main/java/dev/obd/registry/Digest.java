package dev.obd.registry;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** {@code sha256:} and 64 lower-case hex digits. */
public record Digest(String value) {
  private static final Pattern FORM = Pattern.compile("sha256:[0-9a-f]{64}");

  public Digest {
    if (!FORM.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "digest: expected sha256:<64 hex digits>, got '" + Untrusted.printable(value, 100) + "'");
    }
  }

  /** True if {@code text} is a digest rather than a tag. */
  public static boolean isDigest(String text) {
    return FORM.matcher(text).matches();
  }

  /** The digest of these bytes. */
  public static Digest of(byte[] bytes) {
    return finish(hasher(bytes));
  }

  /** A fresh hasher whose {@link #finish} gives a digest of this kind. */
  public static MessageDigest hasher() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** The digest of what {@code hasher} has seen; resets it. */
  public static Digest finish(MessageDigest hasher) {
    return new Digest("sha256:" + HexFormat.of().formatHex(hasher.digest()));
  }

  private static MessageDigest hasher(byte[] bytes) {
    MessageDigest hasher = hasher();
    hasher.update(bytes);
    return hasher;
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
