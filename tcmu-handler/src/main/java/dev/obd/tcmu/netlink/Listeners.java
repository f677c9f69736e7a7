package dev.obd.tcmu.netlink;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * The processes of this machine that listen as this one does, by locks on a file, which end with
 * their process. The kernel has one place for the settings of all listeners, so only the last one
 * may take them back.
 *
 * <pre>
 * byte 0: held, exclusively, by who begins or ends
 * byte 1: held, shared, by all who listen
 * </pre>
 *
 * One per process and file. Not thread-safe.
 */
final class Listeners implements Closeable {
  private final FileChannel file;
  private @Nullable FileLock presence;

  private Listeners(FileChannel file) {
    this.file = file;
  }

  /** Counts this process from now on; waits while another one begins or ends. */
  static Listeners join(Path path) throws IOException {
    Path directory = path.toAbsolutePath().getParent();
    if (directory != null) {
      Files.createDirectories(directory);
    }
    FileChannel file =
        FileChannel.open(
            path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      var listeners = new Listeners(file);
      try (FileLock _ = file.lock(0, 1, false)) {
        listeners.presence = file.lock(1, 1, true);
      }
      return listeners;
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** What is done while nobody else begins or ends. */
  @FunctionalInterface
  interface End {
    /**
     * Takes back what a listener sets.
     *
     * @param last nobody else listens
     */
    void run(boolean last) throws IOException;
  }

  /** This process counts no more; runs {@code end}. Not interruptible: it must not be left out. */
  void leave(End end) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      leaveNow(end);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void leaveNow(End end) throws IOException {
    try (FileLock _ = file.lock(0, 1, false)) {
      if (presence != null) {
        presence.release();
        presence = null;
      }
      try (@Nullable FileLock alone = file.tryLock(1, 1, false)) {
        end.run(alone != null);
      }
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
