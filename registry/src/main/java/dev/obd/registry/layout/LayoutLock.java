package dev.obd.registry.layout;

import dev.obd.registry.RegistryClock;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One writer of a layout at a time: a lock among the threads of this process, then a lock on a file
 * among processes. The kernel drops the latter when a process dies. Held for the moment an index is
 * replaced, not while blobs are written.
 */
final class LayoutLock implements Closeable {
  static final String FILE = ".obd.lock";

  private static final ConcurrentMap<Path, ReentrantLock> IN_PROCESS = new ConcurrentHashMap<>();
  private static final long LOOK_AGAIN_NANOS = Duration.ofMillis(20).toNanos();

  private final ReentrantLock threads;
  private final FileChannel channel;

  private LayoutLock(ReentrantLock threads, FileChannel channel) {
    this.threads = threads;
    this.channel = channel;
  }

  /** Waits at most {@code patience}. The same thread must close it. */
  static LayoutLock take(Path directory, RegistryClock clock, Duration patience)
      throws IOException {
    ReentrantLock threads =
        IN_PROCESS.computeIfAbsent(directory.toRealPath(), d -> new ReentrantLock());
    long giveUp = clock.nanos() + patience.toNanos();
    try {
      if (!threads.tryLock(patience.toNanos(), TimeUnit.NANOSECONDS)) {
        throw busy(directory, patience);
      }
      try {
        return new LayoutLock(threads, lockFile(directory, clock, giveUp, patience));
      } catch (IOException | InterruptedException | RuntimeException e) {
        threads.unlock();
        throw e;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException) new InterruptedIOException(directory + ": lock").initCause(e);
    }
  }

  private static FileChannel lockFile(
      Path directory, RegistryClock clock, long giveUp, Duration patience)
      throws IOException, InterruptedException {
    FileChannel channel =
        FileChannel.open(
            directory.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      while (true) {
        FileLock lock = channel.tryLock();
        if (lock != null) {
          return channel; // closing the channel gives the lock back
        }
        if (clock.nanos() - giveUp >= 0) {
          throw busy(directory, patience);
        }
        clock.sleep(LOOK_AGAIN_NANOS);
      }
    } catch (IOException | InterruptedException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static RegistryException busy(Path directory, Duration patience) {
    return new RegistryException(
        Kind.TIMED_OUT,
        0,
        "oci:%s: in use by another writer for more than %d ms"
            .formatted(directory, patience.toMillis()),
        null);
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      threads.unlock();
    }
  }
}
