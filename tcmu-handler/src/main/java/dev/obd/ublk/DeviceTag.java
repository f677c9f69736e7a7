package dev.obd.ublk;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;

/**
 * What tells a device of ours from others, kept by the kernel as long as the device: {@code 0x0bd1}
 * and the first 48 bits of the SHA-256 of the device's name.
 *
 * @param bits as the kernel keeps them
 */
record DeviceTag(long bits) {
  private static final int MARK = 0x0bd1;
  private static final int MARK_SHIFT = 48;
  private static final long NAME_MASK = (1L << MARK_SHIFT) - 1;

  static DeviceTag of(String name) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
      long first = ByteBuffer.wrap(digest).getLong() >>> (Long.SIZE - MARK_SHIFT);
      return new DeviceTag(((long) MARK << MARK_SHIFT) | (first & NAME_MASK));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Empty if {@code bits} are somebody else's. */
  static Optional<DeviceTag> of(long bits) {
    return bits >>> MARK_SHIFT == MARK ? Optional.of(new DeviceTag(bits)) : Optional.empty();
  }
}
