package dev.obd.backstore.source;

import dev.obd.backstore.cache.Urgency;
import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Operation;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RequestListener;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Slots for one host. Demand goes at once, up to a generous number of connections. Replay, then
 * background, get what is left: many slots while no demand is under way, few slots and few bytes
 * while one is, because a request that was sent cannot be called back and its bytes stand before
 * the demand's in the line. First come, first served within a class. A host that refuses requests,
 * or answers later the more it gets, gets fewer at once. Thread-safe.
 */
public final class SlotScheduler implements FetchScheduler, Closeable {
  /**
   * How much may be under way.
   *
   * @param demand most demand requests at once
   * @param idle most other requests while there is no demand
   * @param busy most other requests while there is demand, including those sent before it came:
   *     none is added above this
   * @param busyBytes most bytes of them; one request may be larger than that
   */
  public record Limits(int demand, int idle, int busy, long busyBytes) {
    public static final Limits DEFAULT = new Limits(64, 16, 2, 512 << 10);

    public Limits {
      if (demand < 1 || idle < 1 || busy < 0 || busyBytes < 0) {
        throw new IllegalArgumentException(
            "fetch limits: demand " + demand + ", idle " + idle + ", busy " + busy);
      }
    }
  }

  private final class Ticket implements RequestListener {
    final long bytes;
    final Condition granted;
    Purpose purpose;
    boolean running;
    boolean over;

    Ticket(Purpose purpose, long bytes, Condition granted) {
      this.purpose = purpose;
      this.bytes = bytes;
      this.granted = granted;
    }

    @Override
    public void answered(String origin, long nanos) {
      if (pace.adaptive()) {
        adapt(() -> {
          refusal = "";
          window.answered(origin, nanos, running(), ticker.nanos());
        });
      }
    }

    @Override
    public void retrying(RegistryException failure) {
      adapt(() -> {
        bucket.take(); // the next attempt is a request as well
        heed(failure);
      });
    }
  }

  private final String host;
  private final Limits limits;
  private final Pace pace;
  private final Ticker ticker;
  private final LongAdder waitedNanos = new LongAdder();
  private final ReentrantLock lock = new ReentrantLock();

  // All guarded by lock.
  private final Deque<Ticket> demand = new ArrayDeque<>();
  private final Deque<Ticket> replay = new ArrayDeque<>();
  private final Deque<Ticket> background = new ArrayDeque<>();
  private int demandRunning;
  private int otherRunning;
  private long otherBytes;
  private boolean closed;
  private final AdaptiveWindow window;
  private final TokenBucket bucket;

  /** Why there are few requests at once: what the host said last, or empty. */
  private String refusal = "";

  /** At the host's pace. */
  public SlotScheduler(String host, Limits limits, Ticker ticker) {
    this(host, limits, Pace.ADAPTIVE, ticker);
  }

  /**
   * @param host for messages
   */
  public SlotScheduler(String host, Limits limits, Pace pace, Ticker ticker) {
    this.host = host;
    this.limits = limits;
    this.pace = pace;
    this.ticker = ticker;
    this.window = new AdaptiveWindow(limits.demand + limits.idle);
    this.bucket = new TokenBucket(pace.perSecond(), pace.burst(), ticker.nanos());
  }

  @Override
  public <T> T run(Purpose purpose, long bytes, Operation<T> operation) throws IOException {
    Ticket ticket = new Ticket(purpose, bytes, lock.newCondition());
    enter(ticket, ReadContext.current().deadline());
    try {
      return ticket.run(operation::run);
    } catch (RegistryException e) {
      adapt(() -> heed(e));
      if (e.kind() == Kind.TIMED_OUT) { // most of its time went by before it was made
        throw new RegistryException(e.kind(), e.status(), e.getMessage() + refusal(), e);
      }
      throw e;
    } finally {
      leave(ticket);
    }
  }

  /** The host may have said that it gets too much; under the lock. */
  private void heed(RegistryException failure) {
    if (pace.adaptive() && failure.kind() == Kind.TOO_MANY_REQUESTS) {
      refusal = "; " + failure.getMessage();
      window.refused(running(), ticker.nanos());
    }
  }

  private String refusal() {
    lock.lock();
    try {
      return refusal;
    } finally {
      lock.unlock();
    }
  }

  private void adapt(Runnable change) {
    lock.lock();
    try {
      change.run();
      grant();
    } finally {
      lock.unlock();
    }
  }

  private int running() {
    return demandRunning + otherRunning;
  }

  private void enter(Ticket ticket, Deadline deadline) throws IOException {
    long from = ticker.nanos();
    lock.lock();
    try {
      queue(ticket.purpose).add(ticket);
      // Under the lock: the ticket may be raised from now on, and is seen as it then is.
      Urgency.whenRaised(() -> raise(ticket));
      grant();
      while (!ticket.running) {
        if (closed) {
          throw new IOException(host + ": shutting down");
        }
        long left = deadline.remainingNanos();
        if (left == 0) {
          throw new InterruptedIOException(
              host + ": the time ran out waiting for a free request" + refusal);
        }
        long paced = bucket.waitNanos(ticker.nanos());
        long _ = ticket.granted.awaitNanos(paced == 0 ? left : Math.min(left, paced));
        grant();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(host + ": interrupted waiting for a free request");
    } finally {
      waitedNanos.add(ticker.nanos() - from);
      if (!ticket.running) {
        ticket.over = true;
        queue(ticket.purpose).remove(ticket);
      }
      lock.unlock();
    }
  }

  private void leave(Ticket ticket) {
    lock.lock();
    try {
      count(ticket, -1);
      ticket.over = true;
      grant();
    } finally {
      lock.unlock();
    }
  }

  /** Somebody waits for this request now. */
  private void raise(Ticket ticket) {
    lock.lock();
    try {
      if (ticket.over || ticket.purpose == Purpose.DEMAND) {
        return;
      }
      if (ticket.running) {
        count(ticket, -1);
        ticket.purpose = Purpose.DEMAND;
        count(ticket, 1);
      } else {
        queue(ticket.purpose).remove(ticket);
        ticket.purpose = Purpose.DEMAND;
        queue(Purpose.DEMAND).add(ticket);
      }
      grant();
    } finally {
      lock.unlock();
    }
  }

  private Deque<Ticket> queue(Purpose purpose) {
    return switch (purpose) {
      case DEMAND -> demand;
      case REPLAY -> replay;
      case BACKGROUND -> background;
    };
  }

  private void grant() {
    for (Purpose purpose : Purpose.values()) { // most urgent first
      Ticket next = queue(purpose).peek();
      while (next != null && !closed && fits(next)) {
        queue(purpose).remove();
        next.running = true;
        bucket.take();
        count(next, 1);
        next.granted.signal();
        next = queue(purpose).peek();
      }
      if (next != null && purpose != Purpose.DEMAND) {
        return; // background does not pass a replay that waits
      }
    }
  }

  private boolean fits(Ticket ticket) {
    if (running() >= window.size() || bucket.waitNanos(ticker.nanos()) > 0) {
      return false;
    }
    if (ticket.purpose == Purpose.DEMAND) {
      return demandRunning < limits.demand;
    }
    return demandRunning == 0
        ? otherRunning < limits.idle
        : otherRunning < limits.busy
            && (otherRunning == 0 || otherBytes + ticket.bytes <= limits.busyBytes);
  }

  private void count(Ticket ticket, int change) {
    if (ticket.purpose == Purpose.DEMAND) {
      demandRunning += change;
    } else {
      otherRunning += change;
      otherBytes += change * ticket.bytes;
    }
  }

  /** Demand requests under way. */
  public int demandRunning() {
    lock.lock();
    try {
      return demandRunning;
    } finally {
      lock.unlock();
    }
  }

  /** Replay and background requests under way. */
  public int otherRunning() {
    lock.lock();
    try {
      return otherRunning;
    } finally {
      lock.unlock();
    }
  }

  /** Requests that may be under way at once, as far as the host puts up with them. */
  public int window() {
    lock.lock();
    try {
      return window.size();
    } finally {
      lock.unlock();
    }
  }

  /** Requests that wait for their turn. */
  public int queued() {
    lock.lock();
    try {
      return demand.size() + replay.size() + background.size();
    } finally {
      lock.unlock();
    }
  }

  /** Time all requests together spent waiting for their turn. */
  public long waitedNanos() {
    return waitedNanos.sum();
  }

  @Override
  public Load load() {
    return new Load(demandRunning(), otherRunning(), queued(), waitedNanos());
  }

  /** Requests that wait fail, and so do later ones; those under way end as they would. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      for (Purpose purpose : Purpose.values()) {
        queue(purpose).forEach(ticket -> ticket.granted.signal());
      }
    } finally {
      lock.unlock();
    }
  }
}
