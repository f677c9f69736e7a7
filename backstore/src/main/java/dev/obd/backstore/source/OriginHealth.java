package dev.obd.backstore.source;

import dev.obd.backstore.device.StallReport;
import dev.obd.io.BlockSource;
import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Whether one origin of bytes (a host) answers, judged by the reads that are made anyway; shared by
 * all sources of it. While it does not, it is looked at every few seconds, so that it is known to
 * be back before anybody asks. Thread-safe.
 */
public final class OriginHealth {
  /** One failure is nothing; failing for so long is being down. */
  private static final long DOWN_AFTER_NANOS = Duration.ofSeconds(2).toNanos();

  /** So long without any answer, while somebody waits for one, is a failure too. */
  private static final long SILENT_NANOS = Duration.ofSeconds(10).toNanos();

  private static final long LATELY_NANOS = Duration.ofSeconds(60).toNanos();

  private static final Duration LOOK_PATIENCE = Duration.ofSeconds(5);
  private static final long FIRST_LOOK_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long LONGEST_LOOK_NANOS = Duration.ofSeconds(5).toNanos();
  private static final Logger log = LogManager.getLogger(OriginHealth.class);

  private final String origin;
  private final Ticker ticker;
  private final Executor executor;

  // All guarded by this.
  private final Set<BlockSource> sources = new HashSet<>();
  private int reading;
  private int waiting;
  private long quietSinceNanos;
  private int failures;
  private long failingSinceNanos;
  private long failedAtNanos;
  private String reason = "";
  private boolean looking;

  /**
   * @param origin what reports call it
   * @param executor runs the looking on a thread of its own
   */
  public OriginHealth(String origin, Ticker ticker, Executor executor) {
    this.origin = origin;
    this.ticker = ticker;
    this.executor = executor;
  }

  /** Why reads do not get on; empty as long as they do. */
  public synchronized Optional<StallReport> stall() {
    long now = ticker.nanos();
    if (failures > 0) {
      Duration lasting = Duration.ofNanos(now - failingSinceNanos);
      return Optional.of(new StallReport(origin, reason, lasting, Math.max(waiting, 0)));
    }
    long quiet = now - quietSinceNanos;
    if (reading > 0 && quiet >= SILENT_NANOS) {
      String silent = origin + ": no answer for " + quiet / 1_000_000_000L + " s";
      return Optional.of(new StallReport(origin, silent, Duration.ofNanos(quiet), reading));
    }
    return Optional.empty();
  }

  /** True if it is known not to answer: not for one failure, but for some time of them. */
  public synchronized boolean isDown() {
    long now = ticker.nanos();
    return (failures > 1 && now - failingSinceNanos >= DOWN_AFTER_NANOS)
        || (reading > 0 && now - quietSinceNanos >= SILENT_NANOS);
  }

  /** What the last attempt that failed came to, if that is not long ago; else empty. */
  synchronized String lately() {
    return ticker.nanos() - failedAtNanos < LATELY_NANOS ? reason : "";
  }

  // ---- what GuardedSource says

  synchronized void use(BlockSource source) {
    sources.add(source);
  }

  synchronized void release(BlockSource source) {
    sources.remove(source);
  }

  synchronized void begin() {
    if (reading++ == 0) {
      quietSinceNanos = ticker.nanos();
    }
  }

  /** A read ended, somehow; {@code waited} if it was one of those that wait. */
  synchronized void end(boolean waited) {
    reading--;
    if (waited) {
      waiting--;
    }
  }

  /** A read's attempt failed and it goes on waiting; said once per read. */
  synchronized void waits() {
    waiting++;
  }

  /** Some bytes of an answer came; whether it comes to a good end is not known yet. */
  synchronized void heard() {
    quietSinceNanos = ticker.nanos();
  }

  void answered() {
    synchronized (this) {
      quietSinceNanos = ticker.nanos();
      if (failures == 0) {
        return;
      }
      failures = 0;
    }
    log.info("origin.back origin={}", origin);
  }

  /** An attempt failed in a way that may pass. */
  void failed(@Nullable String why) {
    boolean look;
    synchronized (this) {
      reason = String.valueOf(why);
      failedAtNanos = ticker.nanos();
      if (failures++ == 0) {
        failingSinceNanos = ticker.nanos();
      }
      look = failures > 1 && !looking;
      looking |= look;
    }
    if (look) {
      log.warn("origin.failing origin={} reason={}", origin, why);
      startLooking();
    }
  }

  private void startLooking() {
    boolean started = false;
    try {
      executor.execute(this::look);
      started = true;
    } catch (RejectedExecutionException e) {
      log.debug("origin.look.rejected origin={}", origin, e); // the process ends
    } finally {
      if (!started) {
        synchronized (this) {
          looking = false;
        }
      }
    }
  }

  /** Reads one byte now and then, until that works or nobody has a source open. */
  private void look() {
    try {
      long pause = FIRST_LOOK_NANOS;
      for (BlockSource source = next(); source != null; source = next()) {
        ticker.sleep(pause);
        pause = Math.min(pause * 2, LONGEST_LOOK_NANOS);
        look(source);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      synchronized (this) {
        looking = false;
      }
    }
  }

  private synchronized @Nullable BlockSource next() {
    return failures == 0 || sources.isEmpty() ? null : sources.iterator().next();
  }

  private void look(BlockSource source) {
    var context =
        new ReadContext(ReadContext.Purpose.BACKGROUND, Deadline.after(ticker, LOOK_PATIENCE));
    try {
      BlockSource _ =
          context.run(() -> {
            source.read(0, ByteBuffer.allocate((int) Math.min(1, source.size())));
            return source;
          });
      answered();
    } catch (IOException | RuntimeException e) {
      if (GuardedSource.mayPass(e)) {
        synchronized (this) {
          reason = String.valueOf(e.getMessage());
        }
      } else {
        answered(); // it says no, but it says something
      }
    }
  }
}
