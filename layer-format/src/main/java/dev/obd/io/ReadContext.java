package dev.obd.io;

import java.io.IOException;

/**
 * Why a read happens and how long it may take. Set once where a request enters (the device, the
 * replayer), seen by every source below on the same thread; not inherited by other threads unless
 * passed on with {@link #run}.
 */
public record ReadContext(Purpose purpose, Deadline deadline) {
  /** Classes of reads, most urgent first. */
  public enum Purpose {
    /** Somebody waits for these bytes. */
    DEMAND,
    /** A recorded start-up said that these bytes will be wanted soon. */
    REPLAY,
    /** Completing a copy; nobody waits. */
    BACKGROUND
  }

  /** An operation that may fail with an I/O error. */
  @FunctionalInterface
  public interface Operation<T> {
    T run() throws IOException;
  }

  private static final ScopedValue<ReadContext> CURRENT = ScopedValue.newInstance();
  private static final ReadContext DEFAULT = new ReadContext(Purpose.DEMAND, Deadline.NEVER);

  /** The context of this thread; outside any {@link #run} a demand read without limit. */
  public static ReadContext current() {
    return CURRENT.orElse(DEFAULT);
  }

  /** Runs {@code operation} with this context. */
  public <T> T run(Operation<T> operation) throws IOException {
    return ScopedValue.where(CURRENT, this).<T, IOException>call(operation::run);
  }
}
