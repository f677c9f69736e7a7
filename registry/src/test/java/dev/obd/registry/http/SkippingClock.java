package dev.obd.registry.http;

import dev.obd.registry.RegistryClock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;

/** The machine's clock, which a test can put forward. */
final class SkippingClock implements RegistryClock {
  private final AtomicLong skipped = new AtomicLong();

  void skip(Duration by) {
    skipped.addAndGet(by.toNanos());
  }

  @Override
  public long nanos() {
    return SYSTEM.nanos() + skipped.get();
  }

  @Override
  public void sleep(long nanos) throws InterruptedException {
    SYSTEM.sleep(nanos);
  }

  @Override
  public Runnable schedule(long nanos, Runnable action) {
    return SYSTEM.schedule(nanos, action);
  }

  @Override
  public Instant wallTime() {
    return SYSTEM.wallTime().plusNanos(skipped.get());
  }
}
