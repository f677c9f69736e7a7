package dev.obd.backstore.source;

import dev.obd.io.ReadContext.Purpose;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * The requests of one link and which of them may go, in a time that is given: what {@link
 * SlotScheduler} decides, without its threads. Demand goes at once. Replay, then background, may
 * ask for as much as the line holds and a grain; nothing new for a while after somebody missed what
 * nobody had asked for, and what is under way then and would stand before it is cut. Not
 * thread-safe.
 */
final class LinkQueue {
  /** Where one miss was, the next is not far. */
  static final long QUIET_NANOS = 100_000_000;

  /** However often somebody misses something, a little of the rest goes on. */
  private static final long STARVED_NANOS = 1_000_000_000;

  /** For so long after something more urgent requests are small, so that few have to be cut. */
  private static final long CAREFUL_NANOS = 1_000_000_000;

  /** So much of a stream that somebody waits for is asked for at once where there is a ceiling. */
  private static final long AWAITED_BYTES = 512 << 10;

  /** Who has not been heard of for so long, or four round trips, is not under way. */
  private static final long SILENT_NANOS = 1_000_000_000;

  /** A line that turns out to be faster than it was thought to be is to be noticed. */
  private static final double PACE_GAIN = 1.25;

  /** What may be done to a request. */
  enum Kind {
    /** Nothing. */
    WHOLE,
    /** It may be made in pieces, and be cut. */
    PIECES,
    /** It is to be one request if it can, and may be cut. */
    STREAM
  }

  /** One request, before and while it is made. */
  static final class Entry {
    private final BooleanSupplier waitedFor;
    private final Kind kind;
    private final boolean isRest;
    private final long bytes;
    private Purpose purpose;
    private boolean ahead; // counted against the ceilings
    private boolean running;
    private boolean over;
    private boolean begun;
    private boolean toCut;
    private boolean cut;
    private long granted;
    private long came;
    private long heardNanos; // when it began, or bytes of it came last

    /**
     * @param bytes that are wanted
     * @param isRest whether it goes on with what was begun, and so before what was not
     * @param waitedFor whether somebody waits for its next bytes, though it is no demand
     */
    Entry(Purpose purpose, long bytes, Kind kind, boolean isRest, BooleanSupplier waitedFor) {
      this.isRest = isRest;
      this.purpose = purpose;
      this.bytes = bytes;
      this.kind = kind;
      this.waitedFor = waitedFor;
    }

    Purpose purpose() {
      return purpose;
    }

    boolean isStream() {
      return kind == Kind.STREAM;
    }

    /** True for a stream that somebody waits for: as good as demand. */
    private boolean isAwaited() {
      return kind == Kind.STREAM && waitedFor.getAsBoolean();
    }

    boolean isRunning() {
      return running;
    }

    boolean isOver() {
      return over;
    }

    /** Once it runs: how many bytes it may ask for. */
    long granted() {
      return granted;
    }

    long came() {
      return came;
    }

    boolean isCut() {
      return cut;
    }

    private long left() {
      return granted - came;
    }
  }

  private final SlotScheduler.Limits limits;
  private final PrefetchCeilings ceilings;
  private final AdaptiveWindow requests;
  private final TokenBucket bucket;
  private final LinkEstimate estimate = new LinkEstimate();

  private final Deque<Entry> demand = new ArrayDeque<>();
  private final Deque<Entry> replay = new ArrayDeque<>();
  private final Deque<Entry> background = new ArrayDeque<>();
  private final List<Entry> running = new ArrayList<>(); // oldest first
  private int demandRunning;

  /** When the line will have passed all that was asked for, a round trip aside. */
  private long freeNanos;

  /** When the next of those that nobody waits for is due. */
  private long dueNanos;

  /** When one of those that nobody waits for last had its turn. */
  private long turnNanos;

  /** When somebody last missed what nobody had asked for. */
  private OptionalLong missed = OptionalLong.empty();

  private OptionalLong replayed = OptionalLong.empty();

  LinkQueue(SlotScheduler.Limits limits, Pace pace, PrefetchCeilings ceilings, long nowNanos) {
    this.limits = limits;
    this.ceilings = ceilings;
    this.requests = new AdaptiveWindow(limits.demand() + limits.other());
    this.bucket = new TokenBucket(pace.perSecond(), pace.burst(), nowNanos);
    this.freeNanos = nowNanos;
    this.dueNanos = nowNanos;
    this.turnNanos = nowNanos;
  }

  // ---- what happens

  /** Somebody wants this; returns what is to be cut for it. */
  List<Entry> add(Entry entry, long nowNanos) {
    if (entry.purpose != Purpose.DEMAND && replay.isEmpty() && background.isEmpty()) {
      turnNanos = Math.max(turnNanos, nowNanos - STARVED_NANOS + QUIET_NANOS);
    }
    if (entry.isRest) {
      queue(entry.purpose).addFirst(entry);
    } else {
      queue(entry.purpose).add(entry);
    }
    if (entry.purpose == Purpose.DEMAND
        && !entry.isRest) { // the rest of what was raised was foreseen
      missed = OptionalLong.of(nowNanos);
    } else if (entry.purpose == Purpose.REPLAY) {
      replayed = OptionalLong.of(nowNanos);
    }
    return cutFor(entry.purpose, nowNanos);
  }

  /** It does not wait any longer. */
  void giveUp(Entry entry) {
    entry.over = true;
    queue(entry.purpose).remove(entry);
  }

  /**
   * Somebody waits for this now, which was on its way, or about to be: the plan is good, and goes
   * on. Returns what is to be cut for it.
   */
  List<Entry> raise(Entry entry, long nowNanos) {
    if (entry.over || entry.purpose == Purpose.DEMAND) {
      return List.of();
    }
    if (entry.running) {
      entry.purpose = Purpose.DEMAND;
      demandRunning++;
      return List.of();
    }
    queue(entry.purpose).remove(entry);
    entry.purpose = Purpose.DEMAND;
    demand.add(entry);
    return cutFor(Purpose.DEMAND, nowNanos);
  }

  /** Its answer began {@code nanos} after it was made. */
  void answered(String origin, long nanos, boolean adaptive, long nowNanos) {
    estimate.answered(nanos, nowNanos);
    if (adaptive) {
      requests.answered(origin, nanos, running.size(), nowNanos);
    }
  }

  /** The host said that this was too much. */
  void refused(long nowNanos) {
    requests.refused(running.size(), nowNanos);
  }

  /** One more request, made by whoever runs already. */
  void repeated() {
    bucket.take();
  }

  /** {@code bytes} of it came; false if the rest is not to come. */
  boolean arrived(Entry entry, long bytes, long nowNanos) {
    entry.begun = true;
    entry.heardNanos = nowNanos;
    entry.came += bytes;
    boolean more = running.stream().anyMatch(e -> e.begun && e.left() > 0);
    estimate.arrived(bytes, more, nowNanos);
    boundFree(nowNanos); // the line may be faster than thought
    if (entry.toCut && entry.purpose != Purpose.DEMAND && !entry.waitedFor.getAsBoolean()) {
      entry.cut = entry.left() > 0;
    }
    return !entry.cut;
  }

  void ended(Entry entry, long nowNanos) {
    entry.over = true;
    running.remove(entry);
    boundFree(nowNanos); // its rest does not come
    if (entry.purpose == Purpose.DEMAND) {
      demandRunning--;
    }
    if (entry.ahead) {
      ceilings.end(entry.granted, Math.min(entry.came, entry.granted));
    }
  }

  // ---- what is decided

  /** Those that may go now, which then run. */
  List<Entry> grant(long nowNanos) {
    List<Entry> granted = new ArrayList<>();
    for (Deque<Entry> queue : List.of(replay, background)) {
      for (Entry entry : queue.stream().filter(Entry::isAwaited).toList()) {
        if (fits(entry, nowNanos)) {
          queue.remove(entry);
          begin(entry, nowNanos);
          granted.add(entry);
        }
      }
    }
    for (Purpose purpose : Purpose.values()) { // most urgent first
      Entry next = queue(purpose).peek();
      while (next != null && fits(next, nowNanos)) {
        queue(purpose).remove();
        begin(next, nowNanos);
        granted.add(next);
        next = queue(purpose).peek();
      }
      if (next != null && purpose != Purpose.DEMAND) {
        break; // background does not pass a replay that waits
      }
    }
    return granted;
  }

  private void begin(Entry entry, long nowNanos) {
    entry.running = true;
    entry.heardNanos = nowNanos;
    entry.granted = entry.bytes;
    bucket.take();
    running.add(entry);
    if (entry.purpose == Purpose.DEMAND) {
      demandRunning++;
    } else {
      beginAhead(entry, nowNanos);
    }
    freeNanos = Math.max(freeNanos, nowNanos) + nanosFor(entry.granted);
  }

  private void beginAhead(Entry entry, long nowNanos) {
    if (entry.isAwaited()) {
      boolean bound = ceilings.mostBytes() < entry.bytes;
      entry.granted = bound ? Math.min(entry.bytes, AWAITED_BYTES) : entry.bytes;
    } else if (entry.kind != Kind.WHOLE) {
      boolean stolen = missed.isPresent() && nowNanos - missed.getAsLong() < QUIET_NANOS;
      boolean careful =
          isRecent(missed, nowNanos)
              || (entry.purpose == Purpose.BACKGROUND && isRecent(replayed, nowNanos));
      boolean small = stolen || (careful && entry.kind == Kind.PIECES);
      long most = small ? estimate.grain() : Long.MAX_VALUE;
      entry.granted = Math.min(entry.bytes, Math.min(most, ceilings.mostBytes()));
    }
    entry.ahead = true;
    ceilings.begin(entry.granted);
    turnNanos = nowNanos;
    long share = Math.min(entry.granted, estimate.window());
    dueNanos = Math.max(dueNanos, nowNanos) + (long) (nanosFor(share) / PACE_GAIN);
  }

  private static boolean isRecent(OptionalLong what, long nowNanos) {
    return what.isPresent() && nowNanos - what.getAsLong() < CAREFUL_NANOS;
  }

  private boolean fits(Entry entry, long nowNanos) {
    if (running.size() >= requests.size() || bucket.waitNanos(nowNanos) > 0) {
      return false;
    }
    if (entry.purpose == Purpose.DEMAND || entry.isAwaited()) {
      return demandRunning < limits.demand();
    }
    return running.size() - demandRunning < limits.other()
        && quietNanos(nowNanos) == 0
        && dueInNanos(nowNanos) == 0
        && underWay(entry.purpose, nowNanos) < estimate.window()
        && ceilings.waitNanos(nowNanos) == 0;
  }

  private long quietNanos(long nowNanos) {
    if (missed.isEmpty()) {
      return 0;
    }
    long until = Math.min(missed.getAsLong() + QUIET_NANOS, turnNanos + STARVED_NANOS);
    return Math.max(0, until - nowNanos);
  }

  /** The line is free when all that is under way has come, and no later. */
  private void boundFree(long nowNanos) {
    freeNanos = Math.min(freeNanos, nowNanos + nanosFor(leftOf(Purpose.BACKGROUND)));
  }

  /** They are sent about as fast as the line passes them, a grain early. */
  private long dueInNanos(long nowNanos) {
    return Math.max(0, dueNanos - nanosFor(estimate.grain()) - nowNanos);
  }

  private long nanosFor(long bytes) {
    return (long) (bytes * 1e9 / estimate.bandwidth());
  }

  /**
   * Bytes that were asked for before a request of this class and that are not here. One request, be
   * it a stream of a whole blob, is no more than half of what may be under way; one that says
   * nothing for long, because its connection is dead or its host wants a pause, is none of it.
   */
  private long underWay(Purpose purpose, long nowNanos) {
    long half = estimate.window() / 2 + 1;
    long silence = Math.max(SILENT_NANOS, 4 * estimate.roundTripNanos());
    return running.stream()
        .filter(e -> e.purpose.compareTo(purpose) <= 0 && nowNanos - e.heardNanos <= silence)
        .mapToLong(e -> Math.min(e.left(), half))
        .sum();
  }

  /**
   * What would stand before a request of this class for longer than a grain, though it is of a less
   * urgent one: first the least urgent, the newest.
   */
  private List<Entry> cutFor(Purpose urgent, long nowNanos) {
    long most = nanosFor(estimate.grain() + leftOf(urgent));
    boolean full = running.size() >= requests.size(); // the host takes no more beside them
    List<Entry> cut = new ArrayList<>();
    for (Purpose purpose : List.of(Purpose.BACKGROUND, Purpose.REPLAY)) {
      if (purpose.compareTo(urgent) <= 0) {
        break;
      }
      for (int i = running.size() - 1; i >= 0 && (full || freeNanos - nowNanos > most); i--) {
        Entry entry = running.get(i);
        if (entry.purpose == purpose
            && entry.kind != Kind.WHOLE
            && !entry.cut
            && entry.left() > 0) {
          entry.toCut = true;
          if (!entry.waitedFor.getAsBoolean()) {
            entry.cut = true;
            full = false;
            freeNanos -= nanosFor(entry.left());
            cut.add(entry);
          }
        }
      }
    }
    return cut;
  }

  private long leftOf(Purpose urgent) {
    return running.stream()
        .filter(e -> e.purpose.compareTo(urgent) <= 0)
        .mapToLong(Entry::left)
        .sum();
  }

  /** How long until something may go though nothing happens; {@link Long#MAX_VALUE}: not at all. */
  long waitNanos(long nowNanos) {
    boolean others = !replay.isEmpty() || !background.isEmpty();
    if (demand.isEmpty() && !others) {
      return Long.MAX_VALUE;
    }
    long wait = bucket.waitNanos(nowNanos);
    if (demand.isEmpty()) {
      wait = Math.max(wait, Math.max(quietNanos(nowNanos), dueInNanos(nowNanos)));
      wait = Math.max(wait, ceilings.waitNanos(nowNanos));
    }
    return wait == 0 ? Long.MAX_VALUE : wait;
  }

  private Deque<Entry> queue(Purpose purpose) {
    return switch (purpose) {
      case DEMAND -> demand;
      case REPLAY -> replay;
      case BACKGROUND -> background;
    };
  }

  // ---- what is known

  LinkEstimate estimate() {
    return estimate;
  }

  int demandRunning() {
    return demandRunning;
  }

  int otherRunning() {
    return running.size() - demandRunning;
  }

  int window() {
    return requests.size();
  }

  int queued() {
    return demand.size() + replay.size() + background.size();
  }

  /** The first of those that wait. */
  Optional<Entry> next() {
    return Stream.of(demand, replay, background)
        .map(Deque::peek)
        .filter(Objects::nonNull)
        .findFirst();
  }
}
