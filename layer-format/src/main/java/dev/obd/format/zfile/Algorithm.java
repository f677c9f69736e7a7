package dev.obd.format.zfile;

import java.util.Optional;

/** How the blocks of a ZFile are compressed. */
public enum Algorithm {
  /** A raw LZ4 block, without frame. */
  LZ4(1),
  /** One standard Zstandard frame. */
  ZSTD(2);

  private final int code;

  Algorithm(int code) {
    this.code = code;
  }

  /** The value of the header's {@code algo} field. */
  public int code() {
    return code;
  }

  /** The algorithm of an {@code algo} field, if it is one that can be decoded. */
  public static Optional<Algorithm> ofCode(int code) {
    return switch (code) {
      case 1 -> Optional.of(LZ4);
      case 2 -> Optional.of(ZSTD);
      default -> Optional.empty();
    };
  }
}
