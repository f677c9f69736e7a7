package dev.obd.backstore.admin;

import java.util.ArrayList;
import java.util.List;

/** Whoever waits for an answer, while they do. Thread-safe. */
public final class Client {
  private final List<Runnable> then = new ArrayList<>(); // guarded by this, as is gone
  private boolean gone;

  Client() {}

  /** True once the client has hung up: nobody will hear the answer. */
  public synchronized boolean isGone() {
    return gone;
  }

  /** Runs {@code action} once the client hangs up, perhaps at once. It must not wait. */
  public synchronized void whenGone(Runnable action) {
    if (gone) {
      action.run();
    } else {
      then.add(action);
    }
  }

  /** Forgets what was to be done: an answer is there. */
  synchronized void answered() {
    then.clear();
  }

  synchronized void hungUp() {
    if (!gone) {
      gone = true;
      then.forEach(Runnable::run);
      then.clear();
    }
  }
}
