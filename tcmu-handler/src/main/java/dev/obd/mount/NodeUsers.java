package dev.obd.mount;

import dev.obd.backstore.device.BusyException;
import dev.obd.io.Ticker;
import dev.obd.nativeio.KernelFiles;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;

/** Whether a block device may be taken away. */
public final class NodeUsers {
  /** What was mounted may be let go a moment after the unmount. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private static final Duration PAUSE = Duration.ofMillis(50);

  private NodeUsers() {}

  /**
   * Returns if {@code node} is neither mounted, nor swapped to, nor part of another device.
   *
   * @throws BusyException if it is, and stays so for a moment
   */
  public static void requireNone(Path node, Ticker ticker) throws IOException {
    long giveUp = ticker.nanos() + PATIENCE.toNanos();
    while (KernelFiles.isClaimed(node)) {
      if (ticker.nanos() - giveUp >= 0) {
        throw new BusyException(Users.inUse(node));
      }
      try {
        ticker.sleep(PAUSE.toNanos());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while waiting for " + node);
      }
    }
  }
}
