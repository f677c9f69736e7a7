package dev.obd.fuse;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Lets changes of whole sectors pass together, and one that rewrites part of a sector pass alone:
 * it puts back bytes it has read before, and must not put back old ones over somebody's new ones.
 * Whoever entered may leave on another thread.
 */
final class WriteGate {
  private static final int EVERYBODY = 1 << 20; // more than requests can be under way

  private final Semaphore places = new Semaphore(EVERYBODY, true);

  /** Enters if that needs no waiting. */
  boolean tryEnter() {
    try {
      // Not tryAcquire(): that overtakes, and whoever wants to be alone would never be.
      return places.tryAcquire(0, TimeUnit.SECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  void enter() {
    places.acquireUninterruptibly();
  }

  void leave() {
    places.release();
  }

  void enterAlone() {
    places.acquireUninterruptibly(EVERYBODY);
  }

  void leaveAlone() {
    places.release(EVERYBODY);
  }
}
