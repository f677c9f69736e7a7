package dev.obd.backstore.cache;

import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Who uses which blob: a lock of one byte per blob in {@code .users}, which every process holds
 * shared while it has the blob open, and a file per blob that says when that was last, and where
 * the blob comes from. Reads do not depend on any of it: it only keeps prune from removing what
 * somebody uses. Thread-safe.
 */
final class Uses implements Closeable {
  private static final int MOST_TEXT = 1000;
  private static final int SHARED_TRIES = 200;
  private static final long TRY_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private static final class Use {
    int count;
    @Nullable FileLock lock;
    String from = "";
  }

  private final Path directory;
  private final @Nullable FileChannel channel;
  private final Ticker ticker;
  private final Map<Digest, Use> uses = new HashMap<>(); // guarded by this

  private Uses(Path directory, @Nullable FileChannel channel, Ticker ticker) {
    this.directory = directory;
    this.channel = channel;
    this.ticker = ticker;
  }

  /** Never fails: where there can be no lock file, nobody says what is in use. */
  static Uses open(Path directory, Ticker ticker) {
    try {
      return new Uses(
          directory,
          FileChannel.open(
              directory.resolve(".users"),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE),
          ticker);
    } catch (IOException e) {
      return new Uses(directory, null, ticker);
    }
  }

  /**
   * Somebody opened a blob.
   *
   * @param from where it comes from, for humans
   */
  synchronized void begin(Digest digest, String from) {
    Use use = uses.computeIfAbsent(digest, _ -> new Use());
    use.count++;
    if (use.count == 1) {
      use.from = from;
      use.lock = lock(digest, true);
      mark(digest, from);
    }
  }

  synchronized void end(Digest digest) {
    Use use = uses.get(digest);
    if (use != null && --use.count == 0) {
      uses.remove(digest);
      mark(digest, use.from);
      release(use.lock);
    }
  }

  /** How often this process has the blob open. */
  synchronized int count(Digest digest) {
    Use use = uses.get(digest);
    return use == null ? 0 : use.count;
  }

  /** True if this process has the blob open, and the others see that. */
  synchronized boolean isSeen(Digest digest) {
    Use use = uses.get(digest);
    return use != null && use.lock != null;
  }

  /** True if another process has the blob open, which can only be told when this one has not. */
  boolean isUsedElsewhere(Digest digest) {
    return !unlessUsed(digest, () -> {}) && count(digest) == 0;
  }

  /** Runs {@code work} while nobody uses the blob; false, without running it, if somebody does. */
  synchronized boolean unlessUsed(Digest digest, Runnable work) {
    if (uses.containsKey(digest)) {
      return false;
    }
    FileLock mine = lock(digest, false);
    if (mine == null && channel != null) {
      return false;
    }
    try {
      work.run();
    } finally {
      release(mine);
    }
    return true;
  }

  private @Nullable FileLock lock(Digest digest, boolean shared) {
    if (channel == null) {
      return null;
    }
    try {
      long at = Long.parseUnsignedLong(digest.hex().substring(0, 15), 16);
      FileLock lock = channel.tryLock(at, 1, shared);
      // Who only looks whether a blob is in use has it exclusively for a moment.
      for (int i = 0; shared && lock == null && i < SHARED_TRIES; i++) {
        ticker.sleep(TRY_NANOS);
        lock = channel.tryLock(at, 1, true);
      }
      return lock;
    } catch (IOException | OverlappingFileLockException e) {
      return null; // another cache of this process has it, or the file system has no locks
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  private static void release(@Nullable FileLock lock) {
    try {
      if (lock != null) {
        lock.release();
      }
    } catch (IOException e) {
      // It ends with the process.
    }
  }

  // ---- when, and where from

  static Path markPath(Path directory, String digest) {
    return directory.resolve(digest + ".use");
  }

  private void mark(Digest digest, String from) {
    try {
      Files.writeString(markPath(directory, digest.value()), from);
    } catch (IOException e) {
      // A cache that cannot be written still serves.
    }
  }

  /** When it was opened or closed last; empty if that is not known. */
  Instant lastUse(Digest digest) {
    for (Path path :
        new Path[] {
          markPath(directory, digest.value()), BlobFile.mapPath(directory, digest.value())
        }) {
      try {
        return Files.getLastModifiedTime(path).toInstant();
      } catch (IOException e) {
        // the next one then
      }
    }
    return Instant.EPOCH;
  }

  /** Where it comes from, for humans; empty if that is not known. */
  String from(Digest digest) {
    Path mark = markPath(directory, digest.value());
    try (var in = Files.newInputStream(mark)) {
      return new String(in.readNBytes(MOST_TEXT), StandardCharsets.UTF_8)
          .replaceAll("\\p{Cntrl}", "?");
    } catch (IOException e) {
      return "";
    }
  }

  @Override
  public synchronized void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }
}
