package dev.obd.tcmu.scsi;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Lets changes of the disk pass together, and a COMPARE AND WRITE alone: nothing may change between
 * its comparison and its write. Whoever entered may leave on another thread.
 */
final class ChangeGate {
  private static final int EVERYBODY = 1 << 30; // more than commands can be under way

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
