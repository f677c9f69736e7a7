package dev.obd.backstore.image;

import dev.obd.backstore.cache.CachedSource;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.io.Deadline;
import dev.obd.io.Prefetchable;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Fetches a hot layer's blob into the cache from front to back, in one request if nothing comes in
 * between, behind demand. Nothing that goes wrong here is thrown: what the stream does not bring is
 * fetched when it is read. Thread-safe.
 */
final class HotStream implements Replayer.Stream, Closeable {
  /** A larger blob is no start's data, whatever it says of itself; the rest comes on demand. */
  private static final long MAX_BYTES = 4L << 30;

  /** For one attempt; who got on goes on with another. */
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  /** Attempts in a row that brought nothing. */
  private static final int MAX_FRUITLESS = 3;

  private static final Logger log = LogManager.getLogger(HotStream.class);

  private final String image;
  private final CachedSource cache;
  private final Ticker ticker;
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean closed;

  private HotStream(String image, CachedSource cache, Ticker ticker) {
    this.image = image;
    this.cache = cache;
    this.ticker = ticker;
  }

  /**
   * Starts and returns at once.
   *
   * @param image what messages call it
   * @param cache of the layer's blob; stays the caller's, and may be closed once this is
   * @param executor runs one task, as long as the stream takes
   */
  static HotStream start(String image, CachedSource cache, Ticker ticker, Executor executor) {
    var stream = new HotStream(image, cache, ticker);
    try {
      executor.execute(stream::run);
    } catch (RejectedExecutionException e) {
      stream.close();
    }
    return stream;
  }

  private void run() {
    try {
      Range blob = new Range(0, Math.min(cache.size(), MAX_BYTES));
      long here = cache.presentBytes();
      int fruitless = 0;
      while (fruitless < MAX_FRUITLESS && !attempt(blob)) {
        long before = here;
        here = cache.presentBytes();
        fruitless = here > before ? 0 : fruitless + 1;
      }
      log.info(
          "hot.stream.ended image={} blob={} bytes={} whole={}",
          image,
          cache.name(),
          blob.length(),
          cache.isPresent(blob));
    } finally {
      ended.countDown();
    }
  }

  /** False if it is worth another attempt. */
  private boolean attempt(Range blob) {
    var context = new ReadContext(ReadContext.Purpose.REPLAY, Deadline.after(ticker, PATIENCE));
    try {
      context.run(() -> {
        cache.streamIn(blob, () -> !closed);
        return this;
      });
      return true;
    } catch (IOException | RuntimeException e) {
      if (!closed) {
        log.warn("hot.stream.broken image={} blob={} reason={}", image, cache.name(), e.toString());
      }
      return closed;
    }
  }

  @Override
  public Prefetchable cache() {
    return cache;
  }

  @Override
  public void awaitEnd() throws InterruptedIOException {
    try {
      ended.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted waiting for the hot layer");
    }
  }

  /** Wants no more, and lets go who waits for it. Returns at once; a request under way runs out. */
  @Override
  public void close() {
    closed = true;
    ended.countDown();
  }
}
