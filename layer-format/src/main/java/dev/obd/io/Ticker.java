package dev.obd.io;

/** A monotonic clock that can also sleep. Passed in, so that tests and simulations own the time. */
public interface Ticker {
  /** Nanoseconds from some fixed origin; never goes back. */
  long nanos();

  /** Waits {@code nanos} nanoseconds of this clock's time. */
  void sleep(long nanos) throws InterruptedException;

  /** The machine's clock. */
  Ticker SYSTEM =
      new Ticker() {
        @Override
        public long nanos() {
          return System.nanoTime();
        }

        @Override
        public void sleep(long nanos) throws InterruptedException {
          Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
        }
      };
}
