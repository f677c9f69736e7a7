package dev.obd.backstore.device;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Lets changes of a disk pass together, and one that depends on the bytes it has read before pass
 * alone: a COMPARE AND WRITE, or one that rewrites a part of a sector. Nothing may change between
 * its read and its write. Whoever entered may leave on another thread.
 */
public final class ChangeGate {
  private static final int EVERYBODY = 1 << 30; // more than requests can be under way

  private final Semaphore places = new Semaphore(EVERYBODY, true);

  /** Enters if that needs no waiting. */
  public boolean tryEnter() {
    try {
      // Not tryAcquire(): that overtakes, and whoever wants to be alone would never be.
      return places.tryAcquire(0, TimeUnit.SECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Enters among others; waits while one is alone, or waits to be. */
  public void enter() {
    places.acquireUninterruptibly();
  }

  public void leave() {
    places.release();
  }

  /** Enters once everybody has left; nobody else does until {@link #leaveAlone()}. */
  public void enterAlone() {
    places.acquireUninterruptibly(EVERYBODY);
  }

  public void leaveAlone() {
    places.release(EVERYBODY);
  }
}
