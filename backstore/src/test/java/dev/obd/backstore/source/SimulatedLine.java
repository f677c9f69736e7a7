package dev.obd.backstore.source;

import dev.obd.backstore.source.LinkQueue.Entry;
import dev.obd.io.ReadContext.Purpose;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.LongConsumer;

/**
 * A queue of requests before a line of one bandwidth and one round trip, in virtual time: the
 * server sends what it is asked for in the order in which it is asked, and nothing of what it was
 * told in time that it is not wanted. One thread, no clock.
 */
final class SimulatedLine {
  private static final int CHUNK = 16 << 10;

  private record Event(long nanos, long number, Runnable what) {}

  private record Chunk(Job job, Entry entry, int bytes) {}

  /** Bytes that are wanted, in one request or in more. */
  final class Job {
    private final Purpose purpose;
    private final LongConsumer done;
    private final boolean isStream;
    private long left;
    private long grantedNanos;
    private boolean answered;
    private Entry entry;

    Job(Purpose purpose, long bytes, LongConsumer done) {
      this.purpose = purpose;
      this.left = bytes;
      this.isStream = bytes > 1 << 20;
      this.done = done;
    }

    private void enter(boolean isRest) {
      answered = false;
      LinkQueue.Kind kind =
          purpose == Purpose.DEMAND
              ? LinkQueue.Kind.WHOLE
              : isStream ? LinkQueue.Kind.STREAM : LinkQueue.Kind.PIECES;
      entry = new Entry(purpose, left, kind, isRest, () -> false);
      jobs.add(this);
      cut(queue.add(entry, now));
    }

    /** Somebody waits for it now. */
    void raise() {
      cut(queue.raise(entry, now));
      turn();
    }

    private void asked() {
      grantedNanos = now;
      requests++;
      Entry asked = entry;
      long bytes = asked.granted();
      after(
          rttNanos / 2,
          () -> {
            for (long at = 0; at < bytes; at += CHUNK) {
              server.add(new Chunk(this, asked, (int) Math.min(CHUNK, bytes - at)));
            }
            send();
          });
    }

    private void came(Entry of, int bytes) {
      if (of != entry || of.isOver()) {
        return; // was cut
      }
      if (!answered) {
        answered = true;
        queue.answered("host", now - grantedNanos, true, now);
      }
      if (purpose != Purpose.DEMAND) {
        aheadBytes += bytes;
      }
      left -= bytes;
      boolean goesOn = queue.arrived(of, bytes, now);
      if (!goesOn || of.came() >= of.granted()) {
        end();
      }
    }

    private void end() {
      queue.ended(entry, now);
      jobs.remove(this);
      if (left > 0) {
        enter(!entry.isCut());
      } else {
        done.accept(now);
      }
    }
  }

  private final LinkQueue queue;
  private final double nanosPerByte;
  private final long rttNanos;
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::nanos).thenComparing(Event::number));
  private final Deque<Chunk> server = new ArrayDeque<>();
  private final List<Job> jobs = new ArrayList<>();
  private boolean sending;
  private long number;
  private long wakesNanos = Long.MAX_VALUE;
  long now;
  long requests;
  long aheadBytes;
  long cuts;
  int mostAhead;

  SimulatedLine(double bytesPerSecond, long rttNanos, PrefetchCeilings ceilings) {
    this.queue = new LinkQueue(SlotScheduler.Limits.DEFAULT, Pace.ADAPTIVE, ceilings, 0);
    this.nanosPerByte = 1e9 / bytesPerSecond;
    this.rttNanos = rttNanos;
  }

  LinkQueue queue() {
    return queue;
  }

  /** Wants {@code bytes}; {@code done} hears when they are here. */
  Job want(Purpose purpose, long bytes, LongConsumer done) {
    Job job = new Job(purpose, bytes, done);
    job.enter(false);
    turn();
    return job;
  }

  void after(long nanos, Runnable what) {
    events.add(new Event(now + nanos, number++, what));
  }

  /** Lets time pass until {@code untilNanos}, or until nothing happens any more. */
  void run(long untilNanos) {
    while (!events.isEmpty() && events.peek().nanos() <= untilNanos) {
      Event event = events.remove();
      now = event.nanos();
      event.what().run();
      turn();
    }
  }

  private void turn() {
    for (Entry entry : queue.grant(now)) {
      jobs.stream().filter(job -> job.entry == entry).findFirst().orElseThrow().asked();
    }
    mostAhead = Math.max(mostAhead, queue.otherRunning());
    long wait = queue.waitNanos(now);
    if (wait != Long.MAX_VALUE && (wakesNanos <= now || now + wait < wakesNanos)) {
      wakesNanos = now + wait;
      after(wait, () -> {});
    }
  }

  private void cut(List<Entry> entries) {
    for (Entry entry : entries) {
      Job job = jobs.stream().filter(j -> j.entry == entry).findFirst().orElseThrow();
      cuts++;
      after(rttNanos / 2, () -> server.removeIf(chunk -> chunk.entry == entry));
      job.end();
    }
  }

  private void send() {
    if (sending || server.isEmpty()) {
      return;
    }
    sending = true;
    Chunk chunk = server.remove();
    after(
        Math.round(chunk.bytes * nanosPerByte),
        () -> {
          sending = false;
          after(rttNanos / 2, () -> chunk.job.came(chunk.entry, chunk.bytes));
          send();
        });
  }
}
