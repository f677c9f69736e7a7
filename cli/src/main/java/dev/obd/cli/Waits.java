package dev.obd.cli;

import dev.obd.io.Ticker;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RequestListener;
import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;

/** Says on the error stream what a command waits for, if that takes long. For one thread. */
final class Waits implements RequestListener {
  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(3);

  private final PrintWriter err;
  private final Ticker ticker;
  private long saidNanos;

  Waits(PrintWriter err, Ticker ticker) {
    this.err = err;
    this.ticker = ticker;
    this.saidNanos = ticker.nanos();
  }

  @Override
  public void answered(String origin, long nanos) {
    saidNanos = ticker.nanos();
  }

  @Override
  public void retrying(RegistryException failure) {
    long now = ticker.nanos();
    if (now - saidNanos >= QUIET_NANOS) {
      saidNanos = now;
      err.println("obd: trying again: " + failure.getMessage());
      err.flush();
    }
  }
}
