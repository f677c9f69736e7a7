package dev.obd.backstore.download;

import dev.obd.io.Deadline;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Brings whole blobs to this machine: several ranges at once, of one blob and of the next, behind
 * what somebody waits for. What is here is not fetched; the SHA-256 of all of it is compared, and a
 * blob in which it is wrong is brought once more. What was brought stays, however this ends: the
 * next one goes on from there. Thread-safe.
 */
public final class Fetch implements Closeable {
  private static final Logger log = LogManager.getLogger(Fetch.class);
  private static final int HASH_BYTES = 256 << 10;
  private static final long STOP_NANOS = 100_000_000;

  /** A piece of a blob to be brought; −1 is none, only the digest may get on. */
  private record Job(Arriving blob, int piece) {}

  private final List<WholeBlob> blobs;
  private final FetchOptions options;
  private final Executor executor;
  private final Ticker ticker;
  private final Throttle throttle;
  private final AtomicLong fetched = new AtomicLong();

  // All guarded by this.
  private final List<Arriving> arriving = new ArrayList<>();
  private final Deque<Job> jobs = new ArrayDeque<>();
  private final Set<Arriving> broughtAgain = new HashSet<>();
  private long hereBefore;
  private int verified;
  private int workers;
  private boolean stopped;
  private @Nullable Throwable failure;

  /**
   * Owns {@code blobs}.
   *
   * @param executor runs as many tasks as there are streams, which block
   */
  public Fetch(
      List<? extends WholeBlob> blobs, FetchOptions options, Executor executor, Ticker ticker) {
    this.blobs = List.copyOf(blobs);
    this.options = options;
    this.executor = executor;
    this.ticker = ticker;
    this.throttle = new Throttle(options.bytesPerSecond());
  }

  /** Looks what is here, and returns how much that is. Comes before {@link #run}. */
  public FetchStatus look() throws IOException {
    for (WholeBlob blob : blobs) {
      Arriving next = new Arriving(blob, options.pieceBytes());
      synchronized (this) {
        arriving.add(next);
        jobs.add(new Job(next, -1));
        next.missing().forEach(piece -> jobs.add(new Job(next, piece)));
        hereBefore += next.hereBytes();
      }
    }
    return status();
  }

  /**
   * Returns once every blob is here and verified.
   *
   * @throws FormatException if a blob's digest was wrong twice
   * @throws IOException if a range cannot be had or kept, or if this was closed
   */
  public void run() throws IOException {
    synchronized (this) {
      workers = options.streams();
    }
    for (int i = 0; i < options.streams(); i++) {
      executor.execute(this::work);
    }
    synchronized (this) {
      try {
        while (workers > 0 && !stopped) {
          wait();
        }
      } catch (InterruptedException e) {
        stopped = true;
        Thread.currentThread().interrupt();
      }
      switch (failure) {
        case IOException e -> throw e;
        case RuntimeException e -> throw e;
        case Error e -> throw e;
        case null, default -> {
          if (verified < blobs.size()) {
            throw new InterruptedIOException("stopped before everything was here");
          }
          for (WholeBlob blob : blobs) {
            blob.requireKept(); // a later one may have pushed it out again
          }
        }
      }
    }
  }

  private void work() {
    byte[] buffer = new byte[HASH_BYTES];
    try {
      for (Job job = next(); job != null; job = next()) {
        if (job.piece >= 0) {
          bring(job);
        }
        if (job.blob.follow(buffer, this::context)) {
          judge(job.blob);
        }
      }
    } catch (Throwable e) { // whoever waits must hear of it
      failed(e);
    } finally {
      synchronized (this) {
        workers--;
        notifyAll();
      }
    }
  }

  private synchronized void failed(Throwable e) {
    if (failure == null && !stopped) {
      failure = e;
    }
    notifyAll();
  }

  /** The next thing to do; null if there is nothing more. */
  private synchronized @Nullable Job next() throws InterruptedIOException {
    try {
      while (jobs.isEmpty() && verified < blobs.size() && failure == null && !stopped) {
        wait(); // a blob that has to be brought again would make more
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
    return failure == null && !stopped ? jobs.poll() : null;
  }

  private void bring(Job job) throws IOException {
    Range range = job.blob.range(job.piece);
    if (!sleep(throttle.delayNanos(ticker.nanos(), range.length()))) {
      return;
    }
    context()
        .run(() -> {
          job.blob.blob().fetch(range);
          return range;
        });
    fetched.addAndGet(range.length());
    job.blob.arrived(job.piece);
  }

  private ReadContext context() {
    return new ReadContext(
        ReadContext.Purpose.BACKGROUND, Deadline.after(ticker, options.patience()));
  }

  /** In pieces, so that a close is seen soon; false if it was seen. */
  private boolean sleep(long nanos) throws InterruptedIOException {
    long end = ticker.nanos() + nanos;
    for (long left = nanos; left > 0; left = end - ticker.nanos()) {
      if (isStopped()) {
        return false;
      }
      try {
        ticker.sleep(Math.min(left, STOP_NANOS));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }
    return !isStopped();
  }

  private synchronized boolean isStopped() {
    return stopped || failure != null;
  }

  /** Everything of {@code blob} is here, and nobody is at it any more. */
  private void judge(Arriving blob) throws IOException {
    Digest found = blob.digest();
    if (found.equals(blob.blob().digest())) {
      blob.blob().complete();
      synchronized (this) {
        verified++;
        notifyAll();
      }
      return;
    }
    Digest expected = blob.blob().digest();
    log.warn("fetch.digest.wrong blob={} found={}", expected, found);
    blob.blob().distrust();
    synchronized (this) {
      if (!broughtAgain.add(blob)) {
        throw new FormatException(
            expected.value(), 0, "digest", expected, found + ", twice; it was not kept");
      }
      blob.again();
      blob.missing().forEach(piece -> jobs.add(new Job(blob, piece)));
      notifyAll();
    }
  }

  /** How far this is. */
  public synchronized FetchStatus status() {
    return new FetchStatus(
        blobs.size(),
        verified,
        blobs.stream().mapToLong(WholeBlob::size).sum(),
        arriving.stream().mapToLong(Arriving::hereBytes).sum(),
        hereBefore,
        fetched.get());
  }

  /**
   * Brings nothing more. A {@link #run} that is under way ends at once; ranges under way are not
   * waited for.
   */
  public synchronized void stop() {
    stopped = true;
    notifyAll();
  }

  @Override
  public void close() throws IOException {
    stop();
    IOException problem = null;
    for (WholeBlob blob : blobs) {
      try {
        blob.close();
      } catch (IOException e) {
        problem = e;
      }
    }
    if (problem != null) {
      throw problem;
    }
  }
}
