package dev.obd.backstore.device;

import java.io.IOException;
import java.util.Locale;

/** What becomes of reads whose bytes cannot be had because their origin does not answer. */
public enum OnStall {
  /** They fail when the device's patience is over. */
  EIO,
  /** They wait as long as the device lives. */
  WAIT,
  /**
   * They fail at once while the origin is known to be down; what is cached is served. The origin is
   * looked at until it is back.
   */
  READONLY_CACHE;

  private static final ScopedValue<OnStall> CURRENT = ScopedValue.newInstance();

  /** The policy of the device this thread reads for. */
  public static OnStall current() {
    return CURRENT.orElse(EIO);
  }

  /** An operation that reads. */
  @FunctionalInterface
  interface Operation {
    void run() throws IOException;
  }

  void run(Operation operation) throws IOException {
    ScopedValue.where(CURRENT, this)
        .<Boolean, IOException>call(() -> {
          operation.run();
          return true;
        });
  }

  /**
   * As a configuration spells it: {@code eio}, {@code wait}, {@code readonly-cache}.
   *
   * @throws IllegalArgumentException if it is none of them
   */
  public static OnStall parse(String text) {
    for (OnStall one : values()) {
      if (one.toString().equals(text)) {
        return one;
      }
    }
    throw new IllegalArgumentException(
        "onStall: expected eio, wait or readonly-cache, got '" + text + "'");
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
