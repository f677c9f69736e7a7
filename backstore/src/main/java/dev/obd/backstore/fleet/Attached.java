package dev.obd.backstore.fleet;

import dev.obd.backstore.device.Export;
import dev.obd.backstore.startlog.StartLogging;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
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

  /** Of its first start: what is opened again later is no start. */
  private final AtomicReference<Optional<StartLogging.Target>> startLog;

  Attached(Attachment record) {
    this(record, Optional.empty());
  }

  Attached(Attachment record, Optional<StartLogging.Target> startLog) {
    this.record = record;
    this.startLog = new AtomicReference<>(startLog);
  }

  /** Where to log the start that is about to be; empty but for the first time. */
  Optional<StartLogging.Target> takeStartLog() {
    return startLog.getAndSet(Optional.empty());
  }
}
