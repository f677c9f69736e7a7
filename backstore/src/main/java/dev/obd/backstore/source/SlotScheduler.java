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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The requests to one host. Demand goes at once, up to a generous number of connections. Replay,
 * then background, get what that leaves of the line: as many bytes under way as it holds and a
 * grain, none for a while after a miss that was not foreseen; what would stand before such a miss
 * is cut. A host that refuses requests, or answers later the more it gets, gets fewer at once.
 * {@link LinkQueue} decides; here it has threads. Thread-safe.
 */
public final class SlotScheduler implements FetchScheduler, Closeable {
  /**
   * How many requests may be under way.
   *
   * @param demand most demand requests at once
   * @param other most others
   */
  public record Limits(int demand, int other) {
    public static final Limits DEFAULT = new Limits(64, 16);

    public Limits {
      if (demand < 1 || other < 1) {
        throw new IllegalArgumentException("fetch limits: demand " + demand + ", other " + other);
      }
    }
  }

  /** Somebody may come to wait for a stream that waits for its turn; nobody says so. */
  private static final long STREAM_POLL_NANOS = 50_000_000;

  private final class Ticket implements RequestListener, Arrivals {
    final LinkQueue.Entry entry;
    final Condition granted;
    private @Nullable Runnable cancel; // guarded by lock

    Ticket(LinkQueue.Entry entry, Condition granted) {
      this.entry = entry;
      this.granted = granted;
    }

    @Override
    public void answered(String origin, long nanos) {
      change(() -> {
        if (pace.adaptive()) {
          refusal = "";
        }
        queue.answered(origin, nanos, pace.adaptive(), ticker.nanos());
        return List.of();
      });
    }

    @Override
    public void retrying(RegistryException failure) {
      change(() -> {
        queue.repeated(); // the next attempt is a request as well
        heed(failure);
        return List.of();
      });
    }

    @Override
    public void cancellable(Runnable how) {
      boolean late;
      lock.lock();
      try {
        cancel = how;
        late = entry.isCut();
      } finally {
        lock.unlock();
      }
      if (late) {
        how.run();
      }
    }

    @Override
    public boolean arrived(int bytes) {
      lock.lock();
      try {
        boolean goesOn = queue.arrived(entry, bytes, ticker.nanos());
        grant(); // what came makes room
        return goesOn;
      } finally {
        lock.unlock();
      }
    }
  }

  private final String host;
  private final Pace pace;
  private final Ticker ticker;
  private final PrefetchCeilings ceilings;
  private final LongAdder waitedNanos = new LongAdder();
  private final ReentrantLock lock = new ReentrantLock();

  // All guarded by lock.
  private final LinkQueue queue;
  private final Map<LinkQueue.Entry, Ticket> tickets = new HashMap<>();
  private boolean closed;
  private long wakesNanos; // when one of those that wait looks again by itself

  /** Why there are few requests at once: what the host said last, or empty. */
  private String refusal = "";

  /** At the host's pace. */
  public SlotScheduler(String host, Limits limits, Ticker ticker) {
    this(host, limits, Pace.ADAPTIVE, ticker);
  }

  public SlotScheduler(String host, Limits limits, Pace pace, Ticker ticker) {
    this(host, limits, pace, new PrefetchCeilings(PrefetchLimits.NONE), ticker);
  }

  /**
   * @param host for messages
   * @param ceilings of what nobody waits for, which other hosts' schedulers may share
   */
  public SlotScheduler(
      String host, Limits limits, Pace pace, PrefetchCeilings ceilings, Ticker ticker) {
    this.host = host;
    this.pace = pace;
    this.ticker = ticker;
    this.ceilings = ceilings;
    this.queue = new LinkQueue(limits, pace, ceilings, ticker.nanos());
    this.wakesNanos = ticker.nanos();
    ceilings.whenEnded(() -> change(() -> List.of()));
  }

  @Override
  public <T> T run(Purpose purpose, long bytes, Operation<T> operation) throws IOException {
    Ticket ticket =
        enter(new LinkQueue.Entry(purpose, bytes, LinkQueue.Kind.WHOLE, false, () -> false));
    return within(
        ticket,
        () -> {
          T result = operation.run();
          ticket.arrived((int) Math.min(bytes, Integer.MAX_VALUE));
          return result;
        });
  }

  @Override
  public void transfer(long bytes, Transfer transfer) throws IOException {
    long done = 0;
    boolean goesOn = true;
    LinkQueue.Kind kind = Urgency.isStream() ? LinkQueue.Kind.STREAM : LinkQueue.Kind.PIECES;
    while (goesOn && done < bytes) {
      long before = done;
      Ticket ticket =
          enter(
              new LinkQueue.Entry(
                  Urgency.now(), bytes - done, kind, done > 0, Urgency.waitedFor()));
      goesOn = within(ticket, () -> transfer.part(before, ticket.entry.granted(), ticket));
      done += ticket.entry.came();
      goesOn &= ticket.entry.came() >= ticket.entry.granted();
    }
  }

  private <T> T within(Ticket ticket, RequestListener.Operation<T> operation) throws IOException {
    try {
      return ticket.run(operation);
    } catch (RegistryException e) {
      change(() -> {
        heed(e);
        return List.of();
      });
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
      queue.refused(ticker.nanos());
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

  /** Changes the queue, lets go who may go, and cuts what {@code change} says. */
  private void change(Supplier<List<LinkQueue.Entry>> change) {
    List<Runnable> cancelled;
    lock.lock();
    try {
      cancelled = cancels(change.get());
      grant();
    } finally {
      lock.unlock();
    }
    cancelled.forEach(Runnable::run);
  }

  private List<Runnable> cancels(List<LinkQueue.Entry> cut) {
    return cut.stream()
        .map(tickets::get)
        .flatMap(ticket -> Stream.ofNullable(ticket == null ? null : ticket.cancel))
        .toList();
  }

  private void grant() {
    if (closed) {
      return;
    }
    long now = ticker.nanos();
    queue.grant(now).forEach(this::wake);
    long wait = queue.waitNanos(now);
    if (wait != Long.MAX_VALUE && (wakesNanos - now <= 0 || now + wait - wakesNanos < 0)) {
      wakesNanos = now + wait;
      queue.next().ifPresent(this::wake); // whoever it is, it waits anew, and so long only
    }
  }

  private void wake(LinkQueue.Entry entry) {
    Ticket ticket = tickets.get(entry);
    if (ticket != null) {
      ticket.granted.signal();
    }
  }

  private Ticket enter(LinkQueue.Entry entry) throws IOException {
    Deadline deadline = ReadContext.current().deadline();
    Ticket ticket = new Ticket(entry, lock.newCondition());
    long from = ticker.nanos();
    change(() -> {
      tickets.put(entry, ticket);
      return queue.add(entry, ticker.nanos());
    });
    Urgency.whenRaised(() -> change(() -> queue.raise(entry, ticker.nanos())));
    boolean mine = false;
    lock.lock();
    try {
      while (!entry.isRunning()) {
        if (closed) {
          throw new IOException(host + ": shutting down");
        }
        long left = deadline.remainingNanos();
        if (left == 0) {
          throw new InterruptedIOException(
              host + ": the time ran out waiting for a free request" + refusal);
        }
        long most = entry.isStream() ? STREAM_POLL_NANOS : Long.MAX_VALUE;
        long wait = Math.min(most, queue.waitNanos(ticker.nanos()));
        long _ = ticket.granted.awaitNanos(Math.min(left, wait));
        grant();
      }
      mine = true;
      return ticket;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(host + ": interrupted waiting for a free request");
    } finally {
      waitedNanos.add(ticker.nanos() - from);
      if (!mine) {
        if (entry.isRunning()) { // it had its turn while it was interrupted
          queue.ended(entry, ticker.nanos());
        } else {
          queue.giveUp(entry);
        }
        tickets.remove(entry);
      }
      wakesNanos = ticker.nanos(); // it was this one, perhaps
      grant();
      lock.unlock();
    }
  }

  private void leave(Ticket ticket) {
    change(() -> {
      queue.ended(ticket.entry, ticker.nanos());
      tickets.remove(ticket.entry);
      return List.of();
    });
    ceilings.tellOthers();
  }

  /** Demand requests under way. */
  public int demandRunning() {
    lock.lock();
    try {
      return queue.demandRunning();
    } finally {
      lock.unlock();
    }
  }

  /** Replay and background requests under way. */
  public int otherRunning() {
    lock.lock();
    try {
      return queue.otherRunning();
    } finally {
      lock.unlock();
    }
  }

  /** Requests that may be under way at once, as far as the host puts up with them. */
  public int window() {
    lock.lock();
    try {
      return queue.window();
    } finally {
      lock.unlock();
    }
  }

  /** Requests that wait for their turn. */
  public int queued() {
    lock.lock();
    try {
      return queue.queued();
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
      tickets.values().forEach(ticket -> ticket.granted.signal());
    } finally {
      lock.unlock();
    }
  }
}
