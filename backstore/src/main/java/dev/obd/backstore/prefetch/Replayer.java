package dev.obd.backstore.prefetch;

import dev.obd.io.BlockSource;
import dev.obd.io.Deadline;
import dev.obd.io.FailureText;
import dev.obd.io.Prefetchable;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.trace.Trace;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Fetches what a trace says will be wanted, into the caches below an image's layers, while the
 * image is in use. Reads run as {@link ReadContext.Purpose#REPLAY}, so that demand reads go first.
 *
 * <p>Nothing that goes wrong here is thrown: an image works without its replay. A trace that cannot
 * be had and the first failed request are logged, all failures are counted. Thread-safe.
 */
public final class Replayer implements Closeable {
  private static final Logger log = LogManager.getLogger(Replayer.class);

  /** Where the trace comes from; called once, on the executor. */
  @FunctionalInterface
  public interface TraceLoader {
    Trace load() throws IOException;
  }

  /**
   * What was recorded.
   *
   * @param missing why it is not all that is recorded; empty: it is all
   */
  public record Recorded(Trace trace, Optional<String> missing) {}

  /** As {@link TraceLoader}, of those who know whether it is all. */
  @FunctionalInterface
  public interface RecordedLoader {
    Recorded load() throws IOException;
  }

  /** Brings one blob by other means, from front to back. */
  public interface Stream {
    /** Where it goes. */
    Prefetchable cache();

    /** Waits until it brings nothing more, whether or not all is there. */
    void awaitEnd() throws InterruptedIOException;
  }

  private final String image;
  private final List<BlockSource> layers;
  private final Optional<? extends Stream> stream;
  private final ReplayOptions options;
  private final Executor executor;

  private final AtomicInteger nextStep = new AtomicInteger();
  private final AtomicInteger workers = new AtomicInteger();
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile ReplayStats.State state = ReplayStats.State.LOADING;
  private volatile boolean closed;
  private volatile long records;
  private volatile long rangeBytes;
  private volatile ReplayPlan plan = ReplayPlan.NONE;
  private volatile Optional<String> missing = Optional.empty();

  private Replayer(
      String image,
      List<? extends BlockSource> layers,
      Optional<? extends Stream> stream,
      ReplayOptions options,
      Executor executor) {
    this.image = image;
    this.layers = List.copyOf(layers);
    this.stream = stream;
    this.options = options;
    this.executor = executor;
  }

  /**
   * Starts a replay and returns at once.
   *
   * @param image what messages call it
   * @param layers plain sources as the trace numbers them, lowest first; they stay the caller's,
   *     and may be closed once this is closed: a request under way then fails unnoticed
   * @param loader gets the trace
   * @param executor runs one task for planning, then up to {@code concurrency} at a time that block
   */
  public static Replayer start(
      String image,
      List<? extends BlockSource> layers,
      TraceLoader loader,
      ReplayOptions options,
      Executor executor) {
    RecordedLoader all = () -> new Recorded(loader.load(), Optional.empty());
    return start(image, layers, Optional.empty(), all, options, executor);
  }

  /**
   * As above.
   *
   * @param stream brings what the trace says of its blob: of that only what is missing at its end
   *     is asked for, after everything else
   */
  public static Replayer start(
      String image,
      List<? extends BlockSource> layers,
      Optional<? extends Stream> stream,
      RecordedLoader loader,
      ReplayOptions options,
      Executor executor) {
    var replayer = new Replayer(image, layers, stream, options, executor);
    try {
      executor.execute(() -> replayer.loadAndRun(loader));
    } catch (RejectedExecutionException e) {
      replayer.end(ReplayStats.State.STOPPED);
    }
    return replayer;
  }

  private void loadAndRun(RecordedLoader loader) {
    try {
      Recorded recorded = loader.load();
      Trace trace = recorded.trace();
      missing = recorded.missing();
      records = trace.size();
      plan = streamedLast(ReplayPlan.of(layers, trace, options));
      rangeBytes = plan.bytes();
    } catch (Throwable e) { // whatever it is, whoever waits for the end must hear of it
      plan = ReplayPlan.NONE;
      missing = Optional.of("the image's trace could not be read: " + FailureText.of(e));
      if (!closed) {
        log.warn("replay.trace.unusable image={} reason={}", image, e.toString());
      }
      end(closed ? ReplayStats.State.STOPPED : ReplayStats.State.DAMAGED);
      return;
    }
    state = ReplayStats.State.RUNNING;
    int wanted = Math.min(options.concurrency(), plan.steps().size());
    workers.set(wanted + 1); // this task counts, so that nobody ends before all are started
    for (int worker = 0; worker < wanted; worker++) {
      try {
        executor.execute(this::work);
      } catch (RejectedExecutionException e) {
        workers.decrementAndGet();
      }
    }
    workerEnded();
  }

  private ReplayPlan streamedLast(ReplayPlan inOrder) {
    List<ReplayPlan.Step> steps = new ArrayList<>(inOrder.steps());
    steps.sort(Comparator.comparing(this::isStreamed)); // stable
    return new ReplayPlan(inOrder.needs(), steps, inOrder.skipped());
  }

  @SuppressWarnings("ReferenceEquality") // two caches may hold the same blob
  private boolean isStreamed(ReplayPlan.Step step) {
    return stream.filter(s -> s.cache() == step.cache()).isPresent();
  }

  private void work() {
    try {
      List<ReplayPlan.Step> steps = plan.steps();
      for (int step = next(); step < steps.size(); step = next()) {
        fetch(steps.get(step));
      }
    } finally {
      workerEnded();
    }
  }

  private int next() {
    return closed ? Integer.MAX_VALUE : nextStep.getAndIncrement();
  }

  private void fetch(ReplayPlan.Step step) {
    requests.incrementAndGet();
    try {
      if (isStreamed(step)) {
        stream.orElseThrow().awaitEnd();
      }
      var context =
          new ReadContext(
              ReadContext.Purpose.REPLAY, Deadline.after(options.ticker(), options.patience()));
      context.run(() -> {
        step.cache().prefetch(step.range());
        return step;
      });
      bytes.addAndGet(step.range().length());
    } catch (IOException | RuntimeException e) {
      if (!closed && failed.getAndIncrement() == 0) {
        log.warn(
            "replay.request.failed image={} blob={} offset={} length={} reason={}",
            image,
            step.cache().name(),
            step.range().offset(),
            step.range().length(),
            e.toString());
      }
    }
  }

  private void workerEnded() {
    if (workers.decrementAndGet() == 0) {
      boolean all = nextStep.get() >= plan.steps().size();
      end(all ? ReplayStats.State.DONE : ReplayStats.State.STOPPED);
    }
  }

  private void end(ReplayStats.State how) {
    state = how;
    ReplayStats stats = stats();
    log.info(
        "replay.ended image={} state={} records={} requests={} bytes={} failed={}",
        image,
        how,
        stats.records(),
        stats.requests(),
        stats.bytes(),
        stats.failed());
    ended.countDown();
  }

  /** How far this is. */
  public ReplayStats stats() {
    ReplayPlan planned = plan;
    return new ReplayStats(
        state,
        records,
        planned.skipped(),
        planned.steps().size(),
        rangeBytes,
        requests.get(),
        bytes.get(),
        failed.get());
  }

  /**
   * Why what is planned is not all that is recorded: something could not be read, or not all is
   * wanted. Empty if it is all, and until the trace was loaded.
   */
  public Optional<String> missing() {
    return missing;
  }

  /**
   * What the trace says will be wanted of each cache, in whole units; layers that need no cache are
   * left out. Empty until the trace was loaded, and if there is no usable one.
   */
  public List<Wanted> wanted() {
    return wanted(plan.steps());
  }

  /**
   * As {@link #wanted}, but for each record of the trace by itself, in the trace's order, and
   * without what is fetched besides to have fewer requests.
   */
  public List<Wanted> needs() {
    return wanted(plan.needs());
  }

  private static List<Wanted> wanted(List<ReplayPlan.Step> steps) {
    return steps.stream().map(step -> new Wanted(step.cache(), step.range())).toList();
  }

  /** A part of the working set. */
  public record Wanted(Prefetchable cache, Range range) {}

  /** Waits until nothing more will happen; false if that took longer than {@code patience}. */
  public boolean awaitDone(Duration patience) throws InterruptedException {
    return ended.await(patience.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Makes no further requests. Returns at once; those under way run out. */
  @Override
  public void close() {
    closed = true;
  }
}
