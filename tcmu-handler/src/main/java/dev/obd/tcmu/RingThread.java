package dev.obd.tcmu;

import dev.obd.nativeio.EventFd;
import dev.obd.nativeio.Poll;
import dev.obd.tcmu.ring.CommandRing;
import dev.obd.tcmu.ring.CommandTarget;
import dev.obd.tcmu.ring.CorruptRingException;
import java.io.Closeable;
import java.io.IOException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** Takes a device's commands until it is stopped, the device goes, or its ring proves corrupt. */
final class RingThread implements Closeable {
  private static final Logger log = LogManager.getLogger(RingThread.class);

  /** More than what the kernel's SCSI layer has out for one disk as a rule. */
  private static final int MOST_IN_FLIGHT = 256;

  /** Hears how the thread ended, on that thread, unless it was stopped. */
  interface Listener {
    /** The kernel has taken the device away. */
    void gone();

    /** It cannot be served any more; {@code reason} is for humans. */
    void failed(String reason);
  }

  private final String name;
  private final UioDevice uio;
  private final EventFd wake;
  private final CommandRing ring;
  private final Listener listener;
  private final Thread thread;
  private volatile boolean stopping;

  private RingThread(String name, UioDevice uio, CommandTarget target, Listener listener)
      throws IOException {
    this.name = name;
    this.uio = uio;
    this.listener = listener;
    this.wake = EventFd.create();
    try {
      this.ring = new CommandRing(name, uio.memory(), uio, target, MOST_IN_FLIGHT, this::wakeUp);
    } catch (CorruptRingException e) {
      wake.close();
      throw e;
    }
    this.thread = Thread.ofPlatform().name("obd-tcmu-" + name).daemon().unstarted(this::run);
  }

  /**
   * Begins to serve.
   *
   * @throws CorruptRingException if there is no ring in the memory
   */
  static RingThread start(String name, UioDevice uio, CommandTarget target, Listener listener)
      throws IOException {
    var started = new RingThread(name, uio, target, listener);
    try {
      started.thread.start();
    } catch (OutOfMemoryError e) { // no memory for a thread
      started.wake.close();
      throw e;
    }
    return started;
  }

  CommandRing ring() {
    return ring;
  }

  private void wakeUp() {
    try {
      wake.signal();
    } catch (IOException e) { // closed: nobody sleeps any more
      log.trace("tcmu.wake.failed device={}", name, e);
    }
  }

  private void run() {
    try {
      var poll = new Poll(uio.fd(), wake.fd());
      do {
        ring.take();
        poll.await(-1);
        if (poll.ready(1)) {
          wake.clear();
        }
        if (poll.ready(0) && !uio.takeEvents()) {
          if (!stopping) {
            listener.gone();
          }
          return;
        }
      } while (!stopping);
    } catch (IOException | RuntimeException | Error e) {
      if (!stopping) {
        log.error("tcmu.ring.failed device={}", name, e);
        ring.abandon();
        listener.failed(String.valueOf(e.getMessage()));
      }
    }
  }

  /**
   * Takes no more commands; for other threads than its own. Returns once the thread has ended. What
   * was taken goes on.
   */
  void stop() {
    stopping = true;
    wakeUp();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** After {@link #stop}. */
  @Override
  public void close() throws IOException {
    wake.close();
  }
}
