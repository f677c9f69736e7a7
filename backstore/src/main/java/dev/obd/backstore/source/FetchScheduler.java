package dev.obd.backstore.source;

import dev.obd.io.ReadContext.Operation;
import dev.obd.io.ReadContext.Purpose;
import java.io.IOException;

/**
 * Decides when a request to one host may go. Shared by all sources of that host, so that what
 * nobody waits for stays out of the way of what somebody does. Thread-safe.
 */
public interface FetchScheduler {
  /**
   * What is under way.
   *
   * @param demand requests that somebody waits for
   * @param other requests of replay and background
   * @param queued requests that wait for their turn
   * @param waitedNanos that all requests together spent waiting for their turn, so far
   */
  record Load(int demand, int other, int queued, long waitedNanos) {}

  /**
   * Runs {@code operation} on this thread once its turn has come.
   *
   * @param purpose why; may become more urgent while it waits or runs (see {@code Urgency})
   * @param bytes how much the host will send, about
   * @throws java.io.InterruptedIOException if the context's deadline passes first
   * @throws IOException what the operation throws, or if the scheduler is closed
   */
  <T> T run(Purpose purpose, long bytes, Operation<T> operation) throws IOException;

  /** What is under way now, as far as it is known. */
  default Load load() {
    return new Load(0, 0, 0, 0);
  }
}
