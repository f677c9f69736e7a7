package dev.obd.backstore.build;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * A directory for work in progress. Closing it deletes it with all that is in it. What a killed
 * process left behind is deleted when the next one opens a directory beside it: a lock, which the
 * kernel drops with the process, says who is still there. Thread-safe.
 */
public final class WorkDirectory implements Closeable {
  private static final Logger log = LogManager.getLogger(WorkDirectory.class);
  private static final String PREFIX = "work-";
  private static final String LOCK = "lock";
  private static final String GATE = ".gate";

  /**
   * Directories of this process. Looking at the lock of one of them would drop it: POSIX forgets a
   * process's locks on a file when it closes any handle of it.
   */
  private static final Set<Path> OURS = new HashSet<>();

  private final Path path;
  private final FileChannel lock;

  private WorkDirectory(Path path, FileChannel lock) {
    this.path = path;
    this.lock = lock;
  }

  /** A new directory under {@code parent}, which is made if need be. */
  public static WorkDirectory open(Path parent) throws IOException {
    Files.createDirectories(parent);
    Path real = parent.toRealPath();
    synchronized (OURS) {
      // One process at a time: a new directory has no lock yet, and would look forgotten.
      try (FileChannel gate = create(real.resolve(GATE))) {
        gate.lock(); // until the gate is closed
        sweep(real);
        Path path = Files.createTempDirectory(real, PREFIX);
        FileChannel lock = create(path.resolve(LOCK));
        lock.lock();
        OURS.add(path);
        return new WorkDirectory(path, lock);
      }
    }
  }

  private static FileChannel create(Path file) throws IOException {
    return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  private static void sweep(Path parent) throws IOException {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (Path path : all) {
        if (!OURS.contains(path) && isForgotten(path)) {
          log.info("work.forgotten path={}", path);
          Trees.delete(path);
        }
      }
    }
  }

  private static boolean isForgotten(Path path) {
    try (FileChannel lock = FileChannel.open(path.resolve(LOCK), StandardOpenOption.WRITE)) {
      return lock.tryLock() != null;
    } catch (NoSuchFileException e) {
      return true; // killed before it had one, or half deleted
    } catch (IOException e) {
      return false; // somebody else's: not ours to judge
    }
  }

  /** Where to work. */
  public Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    synchronized (OURS) {
      if (OURS.remove(path)) {
        try (lock) {
          Trees.delete(path);
        }
      }
    }
  }
}
