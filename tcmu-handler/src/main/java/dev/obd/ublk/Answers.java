package dev.obd.ublk;

import dev.obd.nativeio.EventFd;
import dev.obd.nativeio.Fd;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * What other threads hand to the one that talks to the kernel, and the bell that wakes it.
 *
 * <p>No answer is slept over: the bell stays rung from {@link EventFd#signal} until it is cleared,
 * and the thread clears it before it takes what is there, never after. An answer that comes after
 * the taking finds {@link #rung} false, so it rings, and the next sleep ends at once.
 */
final class Answers {
  private static final Logger log = LogManager.getLogger(Answers.class);

  private final EventFd bell;
  private List<Job> waiting = new ArrayList<>(); // guarded by this
  private boolean rung; // guarded by this
  private boolean closed; // guarded by this

  Answers() throws IOException {
    bell = EventFd.create();
  }

  /** Ready while the thread has something to look at. */
  Fd bell() {
    return bell.fd();
  }

  /** From any thread. False if nobody takes answers any more. */
  boolean add(Job job) {
    synchronized (this) {
      if (closed) {
        return false;
      }
      waiting.add(job);
      if (rung) {
        return true; // whoever set it rings, if he has not yet
      }
      rung = true;
    }
    ring();
    return true;
  }

  /** Wakes the thread without an answer. */
  void ring() {
    try {
      bell.signal();
    } catch (IOException e) { // closed: nobody sleeps any more
      log.trace("ublk.bell.failed", e);
    }
  }

  /** All there are; for the thread that talks to the kernel. */
  List<Job> take() throws IOException {
    bell.clear();
    synchronized (this) {
      rung = false;
      List<Job> taken = waiting;
      waiting = new ArrayList<>();
      return taken;
    }
  }

  /** Nobody takes any more. Returns those that were not taken. */
  List<Job> end() throws IOException {
    bell.close();
    synchronized (this) {
      closed = true;
      List<Job> left = waiting;
      waiting = List.of();
      return left;
    }
  }
}
