package dev.obd.cli.daemon;

import dev.obd.io.Ticker;
import java.time.Duration;
import java.util.Optional;

/**
 * Tells the service manager that all is well, twice in the time it allows, as long as the devices
 * answer. A daemon that hangs is thereby restarted, and its kernel devices taken over.
 */
public final class Watchdog implements AutoCloseable {
  private final Optional<Thread> thread;

  private Watchdog(Optional<Thread> thread) {
    this.thread = thread;
  }

  /** Starts, if the manager wants to hear. */
  public static Watchdog start(ServiceManager manager, Daemon daemon) {
    Optional<Duration> limit = manager.watchdog();
    if (limit.isEmpty()) {
      return new Watchdog(Optional.empty());
    }
    long pause = limit.get().toNanos() / 2;
    return new Watchdog(
        Optional.of(
            Thread.ofPlatform()
                .name("obd-watchdog")
                .daemon()
                .start(() -> {
                  try {
                    while (true) {
                      int _ = daemon.check();
                      manager.alive();
                      Ticker.SYSTEM.sleep(pause);
                    }
                  } catch (InterruptedException e) {
                    // closed
                  }
                })));
  }

  @Override
  public void close() {
    thread.ifPresent(Thread::interrupt);
  }
}
