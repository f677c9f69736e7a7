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

  /** Hears of the bytes of a transfer. */
  @FunctionalInterface
  interface Arrivals {
    /** {@code bytes} more came; false if the rest is not to come now. */
    boolean arrived(int bytes);
  }

  /** What brings bytes, in one or more parts, in order. */
  @FunctionalInterface
  interface Transfer {
    /**
     * Makes one request for {@code length} bytes after {@code done}, telling {@code arrivals}
     * whenever some came, and ending early if that says so.
     *
     * @return false if no other part is wanted
     */
    boolean part(long done, long length, Arrivals arrivals) throws IOException;
  }

  /**
   * Has {@code bytes} transferred on this thread, in as many requests as it thinks good, each once
   * its turn has come. May end before all came, to make room for what is more urgent; who wants the
   * rest comes again.
   *
   * @throws java.io.InterruptedIOException if the context's deadline passes first
   * @throws IOException what the transfer throws, or if the scheduler is closed
   */
  void transfer(long bytes, Transfer transfer) throws IOException;

  /** What is under way now, as far as it is known. */
  default Load load() {
    return new Load(0, 0, 0, 0);
  }
}
