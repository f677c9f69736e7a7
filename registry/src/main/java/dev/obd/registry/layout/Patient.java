package dev.obd.registry.layout;

import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs file operations no longer than their caller waits. A file system of another machine may not
 * answer for hours, and the call into it cannot be broken off: it is left behind on a platform
 * thread of its own. There are only so many of these; while all are stuck, nothing more is tried.
 */
final class Patient {
  private static final int MOST = 32;

  private final String place;
  private final Semaphore threads = new Semaphore(MOST, true);

  Patient(String place) {
    this.place = place;
  }

  /** What may be slow. */
  @FunctionalInterface
  interface Operation<T> {
    T run() throws IOException;
  }

  /**
   * @throws RegistryException that says whether trying again may help
   */
  <T> T run(Duration patience, Operation<T> operation) throws IOException {
    long nanos = patience.compareTo(Duration.ofDays(365)) > 0 ? Long.MAX_VALUE : patience.toNanos();
    var result = new CompletableFuture<T>();
    try {
      if (!threads.tryAcquire(nanos, TimeUnit.NANOSECONDS)) {
        throw new RegistryException(
            Kind.TIMED_OUT,
            0,
            place + ": does not answer; " + MOST + " earlier reads still wait for it",
            null);
      }
      start(operation, result);
      return result.get(nanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new RegistryException(
          Kind.TIMED_OUT, 0, place + ": no answer within " + patience.toMillis() + " ms", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException) new InterruptedIOException(place + ": interrupted").initCause(e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RegistryException known) {
        throw known;
      }
      if (e.getCause() instanceof java.io.EOFException outside) {
        throw outside;
      }
      throw new RegistryException(Kind.UNAVAILABLE, 0, place + ": " + e.getCause(), e);
    }
  }

  private <T> void start(Operation<T> operation, CompletableFuture<T> result) {
    boolean started = false;
    try {
      Thread.ofPlatform()
          .daemon()
          .name("obd-files")
          .start(() -> {
            try {
              result.complete(operation.run());
            } catch (IOException | RuntimeException e) {
              result.completeExceptionally(e);
            } finally {
              threads.release();
              result.completeExceptionally(new IOException("the read broke")); // unless it is done
            }
          });
      started = true;
    } finally {
      if (!started) {
        threads.release();
      }
    }
  }
}
