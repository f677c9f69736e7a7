package dev.obd.registry.http;

import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RequestListener;
import java.io.IOException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The one retry policy: what may pass is tried again after a pause that doubles, as long as
 * attempts and time are left. Missing, forbidden and refused things fail at once; a wrong answer
 * gets one more chance, because another server of a farm may have the right one.
 */
final class Attempts {
  private static final long FIRST_PAUSE_NANOS = Duration.ofMillis(100).toNanos();
  private static final long LONGEST_PAUSE_NANOS = Duration.ofSeconds(5).toNanos();
  private static final int MAX_BAD_ANSWERS = 2;
  private static final int MAX_LOOKUPS = 2;

  private final Limit limit;
  private final int most;
  private final DoubleSupplier jitter;
  private int made;
  private int sinceProgress;
  private int badAnswers;
  private @Nullable RegistryException before;
  private long grantedNanos = Long.MAX_VALUE;

  Attempts(Limit limit, int most, DoubleSupplier jitter) {
    this.limit = limit;
    this.most = most;
    this.jitter = jitter;
  }

  /** Something came through: pauses start small again. */
  void progressed() {
    sinceProgress = 0;
  }

  /** Returns when it is time to try again, or throws. */
  void failed(IOException failure) throws IOException {
    made++;
    sinceProgress++;
    if (!(failure instanceof RegistryException e) || !mayPass(e)) {
      throw failure;
    }
    RegistryException earlier = before;
    if (earlier != null && e.kind() == Kind.TIMED_OUT && wasCutShort()) {
      throw gaveUp(earlier);
    }
    before = e;
    long pause = pauseNanos(e);
    if (sinceProgress >= most || pause >= limit.remainingNanos() || isMisspelt(e)) {
      throw gaveUp(
          earlier == null || e.kind() != Kind.TIMED_OUT
              ? e
              : new RegistryException(
                  e.kind(),
                  e.status(),
                  e.getMessage() + ", before that: " + earlier.getMessage(),
                  e));
    }
    RequestListener.current().retrying(e);
    try {
      pause(pause);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw Failures.interrupted(String.valueOf(e.getMessage()));
    }
    grantedNanos = limit.remainingNanos();
  }

  /** Ends early if nobody wants it any more. */
  private void pause(long nanos) throws InterruptedException {
    var sleeper = new Sleeper(Thread.currentThread());
    Runnable forget = limit.cutWhenCancelled(sleeper::wake);
    try {
      limit.clock().sleep(nanos);
    } catch (InterruptedException e) {
      if (!limit.isCancelled()) {
        throw e;
      }
    } finally {
      forget.run();
      sleeper.end();
    }
  }

  /** Is woken while it sleeps, and never later. */
  private static final class Sleeper {
    private final Thread thread;
    private boolean woken; // guarded by this
    private boolean awake; // guarded by this

    Sleeper(Thread thread) {
      this.thread = thread;
    }

    synchronized void wake() {
      if (!awake) {
        woken = true;
        thread.interrupt();
      }
    }

    synchronized void end() {
      awake = true;
      if (woken) {
        boolean _ = Thread.interrupted(); // it may have come a moment too late for the sleep
      }
    }
  }

  /**
   * True for a host that has no address at the second look: who asks a question, not one who reads
   * and waits for as long as it takes, is told of a wrong name soon. A resolver may take its time.
   */
  private boolean isMisspelt(RegistryException e) {
    return most < Integer.MAX_VALUE
        && sinceProgress >= MAX_LOOKUPS
        && e.getCause() instanceof UnknownHostException;
  }

  /** True if the last attempt had little time from its start: that says nothing of the registry. */
  private boolean wasCutShort() {
    return limit.isOver() && grantedNanos < limit.patience().toNanos() / 4;
  }

  private boolean mayPass(RegistryException e) {
    return e.isRetryable() || (e.kind() == Kind.BAD_ANSWER && ++badAnswers < MAX_BAD_ANSWERS);
  }

  private long pauseNanos(RegistryException e) {
    long doubled = FIRST_PAUSE_NANOS << Math.min(sinceProgress - 1, 10);
    double spread = 0.5 + jitter.getAsDouble() / 2;
    long pause = (long) (Math.min(doubled, LONGEST_PAUSE_NANOS) * spread);
    return e instanceof Failures.Throttled throttled
        ? Math.max(pause, throttled.retryAfter().toNanos())
        : pause;
  }

  private RegistryException gaveUp(RegistryException e) {
    String message =
        e.getMessage() + " (gave up after " + made + (made == 1 ? " attempt" : " attempts");
    message += " within " + Failures.seconds(limit) + ")";
    return new RegistryException(e.kind(), e.status(), message, e);
  }
}
