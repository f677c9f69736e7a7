package dev.obd.backstore.source;

import dev.obd.io.BlockSource;
import dev.obd.io.Deadline;
import dev.obd.io.Prefetchable;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Fetches ahead of who reads a blob in order, farther each time it turns out to be right, in one
 * request each, behind demand: so that reading all of an image takes as long as fetching it.
 * Whoever reads here and there has nothing of it, and pays nothing. Thread-safe.
 */
public final class ReadaheadSource extends PassingSource {
  /** Readers that are followed at the same time. */
  private static final int READERS = 4;

  /** This far from where it was expected a read is still of the same reader, either way. */
  private static final long NEAR_BYTES = 256 << 10;

  /** Who has read so much in order will read on. */
  private static final long SURE_BYTES = 512 << 10;

  private static final long FIRST_BYTES = 1 << 20;
  private static final long MOST_BYTES = 64 << 20;

  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final Logger log = LogManager.getLogger(ReadaheadSource.class);

  /** Somebody who reads in order, perhaps. Guarded by the source. */
  private static final class Reader {
    long next; // where it is expected to read
    long inOrder; // bytes it has read so
    long until; // fetched, or under way, up to here
    long window = FIRST_BYTES;
    boolean busy;
    long lastUse;
  }

  private final Prefetchable cache;
  private final Executor executor;
  private final Ticker ticker;
  private final Reader[] readers = new Reader[READERS]; // guarded by this
  private long uses; // guarded by this
  private volatile boolean closed;

  /**
   * @param cache of the blob, which this owns
   * @param executor runs a task for each request, as long as that takes; it may refuse
   */
  public ReadaheadSource(Prefetchable cache, Executor executor, Ticker ticker) {
    this.cache = cache;
    this.executor = executor;
    this.ticker = ticker;
    for (int i = 0; i < READERS; i++) {
      readers[i] = new Reader();
    }
  }

  @Override
  public BlockSource base() {
    return cache;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    int length = dst.remaining();
    if (length > 0 && ReadContext.current().purpose() == Purpose.DEMAND) {
      follow(offset, length);
    }
    cache.read(offset, dst);
  }

  private void follow(long offset, int length) {
    Reader reader;
    Optional<Range> ahead;
    synchronized (this) {
      reader = reader(offset);
      ahead = ahead(reader, offset, length);
      reader.busy |= ahead.isPresent();
    }
    if (ahead.isPresent()) {
      try {
        executor.execute(() -> fetch(reader, ahead.get()));
      } catch (RejectedExecutionException e) {
        done(reader); // shutting down
      }
    }
  }

  /** Who reads there: one of those that are known, or else a new one in place of the most idle. */
  private Reader reader(long offset) {
    Reader idle = readers[0];
    for (Reader reader : readers) {
      if (reader.inOrder > 0 && Math.abs(offset - reader.next) <= NEAR_BYTES) {
        reader.lastUse = ++uses;
        return reader;
      }
      if (idle.busy || (!reader.busy && reader.lastUse < idle.lastUse)) {
        idle = reader;
      }
    }
    idle.next = offset;
    idle.until = offset;
    idle.inOrder = 0;
    idle.window = FIRST_BYTES;
    idle.lastUse = ++uses;
    return idle;
  }

  private Optional<Range> ahead(Reader reader, long offset, int length) {
    long end = offset + length;
    reader.inOrder += Math.max(0, end - Math.max(offset, reader.next));
    reader.next = Math.max(reader.next, end);
    long from = Math.max(reader.until, reader.next);
    boolean due = from - reader.next < reader.window / 2;
    if (closed || reader.busy || reader.inOrder < SURE_BYTES || !due || from >= size()) {
      return Optional.empty();
    }
    reader.until = Math.min(size(), from + reader.window);
    reader.window = Math.min(2 * reader.window, MOST_BYTES);
    return Optional.of(new Range(from, reader.until - from));
  }

  private void fetch(Reader reader, Range range) {
    var context = new ReadContext(Purpose.REPLAY, Deadline.after(ticker, PATIENCE));
    try {
      context.run(() -> {
        cache.streamIn(range, () -> !closed);
        return range;
      });
    } catch (IOException | RuntimeException e) {
      if (!closed) {
        log.debug("readahead.failed blob={} range={} reason={}", name(), range, e.toString());
      }
    } finally {
      done(reader);
    }
  }

  private synchronized void done(Reader reader) {
    reader.busy = false;
  }

  /** Wants no more; what is under way ends with the cache. */
  @Override
  public void close() throws IOException {
    closed = true;
    cache.close();
  }
}
