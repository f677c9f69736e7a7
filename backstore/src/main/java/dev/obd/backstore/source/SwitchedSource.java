package dev.obd.backstore.source;

import dev.obd.io.BlockSource;
import dev.obd.io.ByteReceiver;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * A source that can be replaced by another with the same bytes while it is read: a remote layer by
 * its complete, verified local file. Reads under way end on the one they began on; it is closed
 * after the last of them. Thread-safe; owns what it is given.
 */
public final class SwitchedSource extends PassingSource {
  private static final Logger log = LogManager.getLogger(SwitchedSource.class);

  /** A source, its readers and, while it is the current one, one more for that. */
  private static final class Held {
    final BlockSource source;
    final AtomicInteger holders = new AtomicInteger(1);

    Held(BlockSource source) {
      this.source = source;
    }

    boolean hold() {
      int now = holders.get();
      while (now > 0) {
        if (holders.compareAndSet(now, now + 1)) {
          return true;
        }
        now = holders.get();
      }
      return false; // closed, or about to be
    }

    void letGo() throws IOException {
      if (holders.decrementAndGet() == 0) {
        source.close();
      }
    }
  }

  private final long size;
  private final AtomicReference<Held> current;
  private volatile boolean switched;
  private boolean closed; // guarded by this

  public SwitchedSource(BlockSource first) {
    this.size = first.size();
    this.current = new AtomicReference<>(new Held(first));
  }

  /**
   * Reads go to {@code next} from now on.
   *
   * @throws FormatException if its size differs; it is closed then, and nothing changes
   */
  public void switchTo(BlockSource next) throws IOException {
    if (next.size() != size) {
      try (next) {
        throw new FormatException(next.name(), 0, "size", size, next.size());
      }
    }
    Held before;
    synchronized (this) {
      if (closed) {
        next.close();
        return;
      }
      before = current.getAndSet(new Held(next));
      switched = true;
    }
    before.letGo();
  }

  /** True once {@link #switchTo} took place. */
  public boolean isSwitched() {
    return switched;
  }

  @Override
  public BlockSource base() {
    return current.get().source;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    Held held = hold();
    try {
      held.source.read(offset, dst);
    } finally {
      release(held);
    }
  }

  @Override
  public void stream(Range range, ByteReceiver receiver) throws IOException {
    Held held = hold();
    try {
      held.source.stream(range, receiver);
    } finally {
      release(held);
    }
  }

  /** After a switch there is always another copy: what was wrong may be from the source before. */
  @Override
  public boolean evict(long offset, long length) throws IOException {
    Held held = hold();
    try {
      return held.source.evict(offset, length) || switched;
    } finally {
      release(held);
    }
  }

  private Held hold() throws IOException {
    while (true) {
      Held held = current.get();
      if (held.hold()) {
        return held;
      }
      if (current.get() == held) {
        throw new IOException(held.source.name() + ": closed");
      }
    }
  }

  /** The bytes are delivered: that the old source closes badly is not the reader's failure. */
  private static void release(Held held) {
    try {
      held.letGo();
    } catch (IOException e) {
      log.warn("source.close.failed source={}", held.source.name(), e);
    }
  }

  @Override
  public void close() throws IOException {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    current.get().letGo();
  }
}
