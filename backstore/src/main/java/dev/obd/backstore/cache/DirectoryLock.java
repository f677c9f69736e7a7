package dev.obd.backstore.cache;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Says whether this process is alone in the cache's directory. Every process holds the lock shared;
 * who can have it exclusively is alone. Nothing rests on it for being correct: it only keeps one
 * process from clearing away what another is just writing, which would cost that one a fetch.
 */
final class DirectoryLock implements Closeable {
  private final @Nullable FileChannel channel;
  private @Nullable FileLock shared; // guarded by this
  private long lastComer; // guarded by this

  private DirectoryLock(@Nullable FileChannel channel, @Nullable FileLock shared) {
    this.channel = channel;
    this.shared = shared;
  }

  /** Never waits, and never fails: without a lock file nobody is alone. */
  static DirectoryLock open(Path directory) {
    try {
      FileChannel channel =
          FileChannel.open(
              directory.resolve(".lock"),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      var lock = new DirectoryLock(channel, lock(channel, true));
      lock.sign();
      return lock;
    } catch (IOException e) {
      return new DirectoryLock(null, null);
    }
  }

  /** Leaves a number, so that those who are here notice that somebody came, or is at work. */
  private synchronized void sign() {
    lastComer = ThreadLocalRandom.current().nextLong();
    if (channel != null) {
      try {
        channel.write(ByteBuffer.allocate(Long.BYTES).putLong(0, lastComer), 0);
      } catch (IOException e) {
        // On a disk that takes no writes nothing is counted wrong either.
      }
    }
  }

  /** False if nobody else has used the directory since this was asked last. */
  synchronized boolean othersCame() {
    boolean[] alone = new boolean[1];
    ifAlone(() -> alone[0] = true);
    if (!alone[0]) {
      sign(); // the others notice, also those of this process, whose locks are ours
      return true;
    }
    long last = lastComer;
    lastComer = lastComer();
    return lastComer != last;
  }

  private synchronized long lastComer() {
    ByteBuffer number = ByteBuffer.allocate(Long.BYTES);
    try {
      return channel != null && channel.read(number, 0) == Long.BYTES ? number.getLong(0) : 0;
    } catch (IOException e) {
      return 0;
    }
  }

  private static @Nullable FileLock lock(FileChannel channel, boolean shared) throws IOException {
    try {
      return channel.tryLock(0, Long.MAX_VALUE, shared);
    } catch (OverlappingFileLockException e) {
      return null; // another cache of this JVM
    }
  }

  /** Runs {@code work} if no other cache has the directory open, and keeps others from it. */
  synchronized void ifAlone(Runnable work) {
    FileLock mine = shared;
    if (channel == null || mine == null) {
      return;
    }
    try {
      mine.release();
      shared = null;
      FileLock exclusive = lock(channel, false);
      if (exclusive != null) {
        try {
          work.run();
        } finally {
          exclusive.release();
        }
      }
      shared = lock(channel, true);
    } catch (IOException e) {
      shared = null; // not alone, as far as we know
    }
  }

  @Override
  public synchronized void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }
}
