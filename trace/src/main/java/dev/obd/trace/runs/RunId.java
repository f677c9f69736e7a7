package dev.obd.trace.runs;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** The first 16 bytes of the SHA-256 of a run as {@link RunsFile} writes it, in hexadecimal. */
public record RunId(String hex) implements Comparable<RunId> {
  private static final int BYTES = 16;

  static RunId of(Run run) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      run.layers().forEach(layer -> digest.update(layer.getBytes(StandardCharsets.US_ASCII)));
      digest.update(RunsFile.encode(run));
      return new RunId(HexFormat.of().formatHex(Arrays.copyOf(digest.digest(), BYTES)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  @Override
  public int compareTo(RunId other) {
    return hex.compareTo(other.hex);
  }

  @Override
  public String toString() {
    return hex;
  }
}
