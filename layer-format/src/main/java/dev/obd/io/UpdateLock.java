package dev.obd.io;

import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Held while a file is read and written anew, so that of two who add to it neither loses what the
 * other adds. It is a lock on a file beside it, {@code .NAME.lock}, which stays: another process
 * may wait for it. Ends with its process.
 */
public final class UpdateLock implements Closeable {
  private static final long PATIENCE_NANOS = Duration.ofSeconds(30).toNanos();
  private static final long LOOK_NANOS = Duration.ofMillis(5).toNanos();

  /** Of this process: it would lose the system's lock if it opened and closed the file again. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path lock;
  private final FileChannel channel;

  private UpdateLock(Path lock, FileChannel channel) {
    this.lock = lock;
    this.channel = channel;
  }

  /**
   * Waits until nobody else has it.
   *
   * @param file in a directory that exists; may be missing itself
   * @throws IOException if another one does not let go of it for half a minute
   */
  public static UpdateLock take(Path file, Ticker ticker) throws IOException {
    Path absolute = file.toAbsolutePath().normalize();
    Path lock =
        absolute.resolveSibling("." + Objects.requireNonNull(absolute.getFileName()) + ".lock");
    long end = ticker.nanos() + PATIENCE_NANOS;
    while (!HELD.add(lock)) {
      pause(file, end, ticker);
    }
    boolean taken = false;
    try {
      FileChannel channel =
          FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      try {
        while (!locked(channel)) {
          pause(file, end, ticker);
        }
        taken = true;
        return new UpdateLock(lock, channel);
      } finally {
        if (!taken) {
          channel.close();
        }
      }
    } finally {
      if (!taken) {
        HELD.remove(lock);
      }
    }
  }

  private static boolean locked(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false; // of this process, by another name
    }
  }

  private static void pause(Path file, long end, Ticker ticker) throws IOException {
    if (ticker.nanos() - end >= 0) {
      throw new IOException(file + ": another process is changing it and does not come to an end");
    }
    try {
      ticker.sleep(LOOK_NANOS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(file + ": interrupted while another process changes it");
    }
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      HELD.remove(lock);
    }
  }
}
