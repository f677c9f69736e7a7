package dev.obd.backstore.download;

import dev.obd.backstore.config.DownloadConfig;
import dev.obd.io.FormatException;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The download of one open image: its layers one after another, after a delay, behind every read
 * that somebody waits for. A layer that cannot be had stays remote. Thread-safe.
 */
public final class Downloads implements Closeable {
  private static final Logger log = LogManager.getLogger(Downloads.class);
  private static final long PAUSE_NANOS = 200_000_000;
  private static final long FIRST_RETRY_NANOS = 1_000_000_000;
  private static final int MOST_DOUBLINGS = 6;

  private static final class Pending {
    final DownloadTask task;
    int tries;
    boolean afresh;

    Pending(DownloadTask task) {
      this.task = task;
    }
  }

  private final String image;
  private final List<DownloadTask> tasks;
  private final DownloadConfig config;
  private final DownloadContext context;
  private final Throttle throttle;
  private final AtomicReference<DownloadStatus.State> state =
      new AtomicReference<>(DownloadStatus.State.WAITING);
  private final AtomicLong bytesOfDone = new AtomicLong();
  private final AtomicLong bytesOfCurrent = new AtomicLong();
  private final AtomicLong fetched = new AtomicLong();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicInteger layersDone = new AtomicInteger();
  private volatile String problem = "";
  private volatile boolean closed;

  private Downloads(
      String image, List<DownloadTask> tasks, DownloadConfig config, DownloadContext context) {
    this.image = image;
    this.tasks = List.copyOf(tasks);
    this.config = config;
    this.context = context;
    this.throttle = new Throttle(config.bytesPerSecond());
  }

  /**
   * Starts the download of {@code tasks} and returns at once.
   *
   * @param image what messages call it
   */
  public static Downloads start(
      String image, List<DownloadTask> tasks, DownloadConfig config, DownloadContext context) {
    var downloads = new Downloads(image, tasks, config, context);
    try {
      context.executor().execute(downloads::run);
    } catch (RejectedExecutionException e) {
      downloads.end(DownloadStatus.State.STOPPED);
    }
    return downloads;
  }

  private void run() {
    try {
      long extra = (long) (config.extraDelay().toNanos() * context.jitter().getAsDouble());
      if (!sleep(config.delay().toNanos() + extra)) {
        end(DownloadStatus.State.STOPPED);
        return;
      }
      state.set(DownloadStatus.State.RUNNING);
      end(all());
    } catch (RuntimeException e) {
      problem = e.toString();
      log.error("download.failed image={}", image, e);
      end(DownloadStatus.State.FAILED);
    }
  }

  private DownloadStatus.State all() {
    Deque<Pending> queue = new ArrayDeque<>();
    tasks.forEach(task -> queue.add(new Pending(task)));
    boolean gaveUp = false;
    while (!queue.isEmpty()) {
      Pending next = queue.remove();
      long pause = PAUSE_NANOS;
      if (!context.busy().enter(next.task.directory())) {
        queue.add(next);
      } else {
        try {
          if (!one(next)) {
            return DownloadStatus.State.STOPPED;
          }
          layersDone.incrementAndGet();
          bytesOfDone.addAndGet(next.task.sizeBytes());
        } catch (PartialFile.BusyElsewhere e) {
          queue.add(next);
          pause = FIRST_RETRY_NANOS;
        } catch (IOException e) {
          if (retry(next, e)) {
            queue.add(next);
            pause = FIRST_RETRY_NANOS << Math.min(next.tries - 1, MOST_DOUBLINGS);
          } else {
            gaveUp = true;
          }
        } finally {
          bytesOfCurrent.set(0);
          context.busy().leave(next.task.directory());
        }
      }
      if (!queue.isEmpty() && !sleep(pause)) {
        return DownloadStatus.State.STOPPED;
      }
    }
    return gaveUp ? DownloadStatus.State.FAILED : DownloadStatus.State.DONE;
  }

  private boolean one(Pending layer) throws IOException {
    var download =
        new LayerDownload(
            layer.task,
            context,
            config.blockBytes(),
            new LayerDownload.Progress() {
              @Override
              public boolean mayGoOn(long fetchBytes) {
                long wait = throttle.delayNanos(context.ticker().nanos(), fetchBytes);
                return wait == 0 ? !closed : sleep(wait);
              }

              @Override
              public void advanced(long bytes, boolean overNetwork) {
                bytesOfCurrent.addAndGet(bytes);
                if (overNetwork) {
                  fetched.addAndGet(bytes);
                }
              }
            });
    return download.run(layer.afresh);
  }

  /** Notes a failure; false if there have been enough of them. */
  private boolean retry(Pending layer, IOException e) {
    layer.tries++;
    layer.afresh |= e instanceof FormatException;
    problem = String.valueOf(e.getMessage());
    boolean again = layer.tries < config.tries();
    log.warn(
        "download.layer.failed image={} layer={} try={} of={} reason={}",
        image,
        layer.task.digest(),
        layer.tries,
        config.tries(),
        e.toString());
    return again;
  }

  /** False if this was closed. In pieces, so that a close is seen soon. */
  private boolean sleep(long nanos) {
    long end = context.ticker().nanos() + nanos;
    try {
      while (!closed) {
        long left = end - context.ticker().nanos();
        if (left <= 0) {
          return true;
        }
        context.ticker().sleep(Math.min(left, PAUSE_NANOS));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return false;
  }

  private void end(DownloadStatus.State how) {
    state.set(how);
    log.info(
        "download.ended image={} state={} layers={}/{}",
        image,
        how,
        layersDone.get(),
        tasks.size());
    ended.countDown();
  }

  /** How far this is. */
  public DownloadStatus status() {
    return new DownloadStatus(
        state.get(),
        tasks.size(),
        layersDone.get(),
        tasks.stream().mapToLong(DownloadTask::sizeBytes).sum(),
        bytesOfDone.get() + bytesOfCurrent.get(),
        fetched.get(),
        problem.isEmpty() ? Optional.empty() : Optional.of(problem));
  }

  /** Waits until nothing more will happen; false if that took longer than {@code nanos}. */
  public boolean awaitEnd(long nanos) throws InterruptedException {
    return ended.await(nanos, TimeUnit.NANOSECONDS);
  }

  /** Fetches nothing more. Returns at once; a request under way runs out. */
  @Override
  public void close() {
    closed = true;
  }
}
