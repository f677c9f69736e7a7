package dev.obd.mount;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Runs what waits inside a system call for answers that this process itself gives: mounting,
 * opening the file, attaching a loop device. On a virtual thread such a call would keep a carrier,
 * perhaps the only one, from the thread that answers.
 */
public final class PlatformThread {
  private PlatformThread() {}

  /** The result of {@code task}, run on this thread if it is a platform thread, else on another. */
  public static <T> T call(Callable<T> task) throws IOException, InterruptedException {
    var future = new FutureTask<T>(task);
    if (Thread.currentThread().isVirtual()) {
      Thread.ofPlatform().name("obd-fuse-mount").daemon().start(future);
    } else {
      future.run();
    }
    try {
      return future.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case InterruptedException interrupted -> throw interrupted;
        case RuntimeException runtime -> throw runtime;
        case Error error -> throw error;
        case null, default -> throw new IOException(e.getCause());
      }
    }
  }

  /** {@link #call} for those that may not throw InterruptedException. */
  public static <T> T callUninterrupted(Callable<T> task) throws IOException {
    try {
      return call(task);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }
}
