package dev.obd.backstore.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Thousands of files of which few are open: the one idle for longest is closed when another is
 * needed, and opened again when it is used. Thread-safe. More than the limit are open only while
 * more than that many are being read or written at the same moment.
 */
final class FilePool implements CacheFiles {
  private final CacheFiles next;
  private final int most;
  private final List<Pooled> open = new ArrayList<>(); // guarded by this
  private volatile long openings;
  private volatile boolean crowded;

  FilePool(CacheFiles next, int most) {
    this.next = next;
    this.most = most;
  }

  @Override
  public CacheFile open(Path path) throws IOException {
    Pooled file = new Pooled(path);
    CacheFile _ = file.enter(); // now, so that whoever opens it learns whether that works
    file.leave();
    return file;
  }

  @Override
  public long usableBytes(Path directory) throws IOException {
    return next.usableBytes(directory);
  }

  /** How many files are open now. */
  synchronized int openFiles() {
    return open.size();
  }

  private synchronized void opened(Pooled file) throws IOException {
    openings++;
    if (!file.ended) {
      open.add(file);
    }
    trim();
  }

  private synchronized void closed(Pooled file) {
    open.remove(file);
  }

  /** Closes idle files while there are too many. */
  private synchronized void trim() throws IOException {
    while (open.size() > most) {
      Pooled idle = null;
      for (Pooled file : open) {
        if (file.isIdle() && (idle == null || file.lastUse < idle.lastUse)) {
          idle = file;
        }
      }
      if (idle == null) {
        crowded = true; // whoever leaves first looks again
        return;
      }
      if (idle.retire()) {
        open.remove(idle);
        idle.closeFile();
      }
    }
    crowded = false;
  }

  @FunctionalInterface
  private interface Operation<T> {
    T on(CacheFile file) throws IOException;
  }

  private final class Pooled implements CacheFile {
    private static final int CLOSED = -1;

    private final Path path;

    /** How many use the open file now; {@link #CLOSED} if it is not open. Opened under this. */
    private final AtomicInteger users = new AtomicInteger(CLOSED);

    private volatile @Nullable CacheFile file; // set while users is not CLOSED
    private volatile long lastUse;
    private volatile boolean writable;
    private volatile boolean ended;

    Pooled(Path path) {
      this.path = path;
    }

    boolean isIdle() {
      return users.get() == 0;
    }

    boolean retire() {
      return users.compareAndSet(0, CLOSED);
    }

    synchronized void closeFile() throws IOException {
      CacheFile closing = file;
      file = null;
      if (closing != null) {
        closing.close();
      }
    }

    CacheFile enter() throws IOException {
      while (true) {
        int now = users.get();
        if (now == CLOSED) {
          CacheFile opened = reopen();
          if (opened != null) {
            return opened;
          }
        } else if (users.compareAndSet(now, now + 1)) {
          CacheFile current = file;
          if (current != null) {
            return current;
          }
          users.decrementAndGet();
          throw new ClosedChannelException();
        }
      }
    }

    /** Null if another thread was faster. */
    private @Nullable CacheFile reopen() throws IOException {
      CacheFile opened;
      synchronized (this) {
        if (ended) {
          throw new ClosedChannelException();
        }
        if (users.get() != CLOSED || file != null) {
          return null;
        }
        opened = next.open(path);
        writable = opened.writable();
        file = opened;
        lastUse = openings;
        users.set(1);
      }
      opened(this);
      return opened;
    }

    void leave() throws IOException {
      long now = openings;
      if (lastUse != now) {
        lastUse = now;
      }
      users.decrementAndGet();
      if (crowded) {
        trim();
      }
    }

    private <T> T with(Operation<T> operation) throws IOException {
      CacheFile current = enter();
      try {
        return operation.on(current);
      } finally {
        leave();
      }
    }

    @Override
    public int read(long offset, ByteBuffer dst) throws IOException {
      return with(f -> f.read(offset, dst));
    }

    @Override
    public void write(long offset, ByteBuffer src) throws IOException {
      with(f -> {
        f.write(offset, src);
        return f;
      });
    }

    @Override
    public void setLength(long length) throws IOException {
      with(f -> {
        f.setLength(length);
        return f;
      });
    }

    @Override
    public long length() throws IOException {
      return with(CacheFile::length);
    }

    @Override
    public boolean writable() {
      return writable;
    }

    /** Whoever is reading just now gets an error. */
    @Override
    public void close() throws IOException {
      synchronized (this) {
        ended = true; // nobody opens it after this
      }
      closed(this);
      closeFile();
    }
  }
}
