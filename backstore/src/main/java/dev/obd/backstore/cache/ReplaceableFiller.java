package dev.obd.backstore.cache;

import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A filler that may die and be replaced. What the dead one was asked and has not done is asked of
 * its successor; readers notice a delay, up to a limit. Thread-safe.
 */
public final class ReplaceableFiller implements Filler {
  private final Duration grace;
  private final Ticker ticker;
  private final Set<FillTarget> objects = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition replaced = lock.newCondition();
  private @Nullable Filler current; // guarded by lock

  /**
   * Without a filler as yet.
   *
   * @param grace how long a miss waits for a filler; a reader's own deadline may be earlier
   */
  public ReplaceableFiller(Duration grace, Ticker ticker) {
    this.grace = grace;
    this.ticker = ticker;
  }

  /** Makes {@code next} the one that is asked from now on, and shows it every open object. */
  public void replace(Filler next) {
    lock.lock();
    try {
      current = next;
      replaced.signalAll();
    } finally {
      lock.unlock();
    }
    objects.forEach(next::opened);
  }

  @Override
  public void fill(Miss miss, FillTarget object) throws IOException {
    Deadline patience = Deadline.after(ticker, grace);
    while (true) {
      Filler filler = await(object, patience);
      try {
        filler.fill(miss, object);
        return;
      } catch (FillerGoneException e) {
        gone(filler);
      }
    }
  }

  private void gone(Filler filler) {
    lock.lock();
    try {
      if (filler.equals(current)) {
        current = null;
      }
    } finally {
      lock.unlock();
    }
  }

  private Filler await(FillTarget object, Deadline patience) throws IOException {
    Deadline mine = ReadContext.current().deadline();
    lock.lock();
    try {
      while (current == null) {
        long left = Math.min(patience.remainingNanos(), mine.remainingNanos());
        if (left <= 0) {
          throw new FillerGoneException(
              object.digest() + ": its filler is gone, and no other came in time");
        }
        long _ = replaced.awaitNanos(Math.min(left, TimeUnit.HOURS.toNanos(1)));
      }
      return current;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(object.digest() + ": interrupted waiting for a filler");
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void opened(FillTarget object) {
    objects.add(object);
    Filler filler = now();
    if (filler != null) {
      filler.opened(object);
    }
  }

  @Override
  public void closed(FillTarget object) {
    objects.remove(object);
    Filler filler = now();
    if (filler != null) {
      filler.closed(object);
    }
  }

  private @Nullable Filler now() {
    lock.lock();
    try {
      return current;
    } finally {
      lock.unlock();
    }
  }
}
