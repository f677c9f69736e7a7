package dev.obd.backstore.fleet;

import dev.obd.backstore.device.Export;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** One attachment of this process. What changes it holds its lock; reading needs none. */
final class Attached {
  /** Held by who attaches, detaches or takes over. */
  final ReentrantLock lock = new ReentrantLock();

  volatile Attachment record;
  volatile DeviceStatus.State state = new DeviceStatus.State.Opening();
  volatile @Nullable Export export;
  volatile @Nullable OpenDevice device;

  /** How often its image could not be opened in a row. */
  volatile int tries;

  /** Detached: whoever still has it does nothing more. */
  volatile boolean gone;

  Attached(Attachment record) {
    this.record = record;
  }
}
