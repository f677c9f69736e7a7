package dev.obd.backstore.explain;

import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * The line of a {@link Link} in virtual time: answers share it in slices, in turn, each from a
 * round trip after its request. Calls back as bytes arrive.
 */
final class Line {
  private static final int SLICE = 16 << 10;

  /** One answer on its way. */
  abstract static class Answer {
    private long left;

    /** {@code bytes} more have arrived, at {@code micros}. */
    abstract void arrived(long bytes, double micros);

    /** All of it has. */
    abstract void ended(double micros);
  }

  private record Event(double micros, long number, Runnable task) {}

  private final Link link;
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(
          Comparator.comparingDouble(Event::micros).thenComparingLong(Event::number));
  private long number;
  private double freeAt;
  private double now;

  Line(Link link) {
    this.link = link;
  }

  double now() {
    return now;
  }

  /** Runs {@code task} at a time, not before now. */
  void at(double micros, Runnable task) {
    events.add(new Event(Math.max(micros, now), number++, task));
  }

  /** Sends a request now. */
  void send(long bytes, Answer answer) {
    answer.left = bytes;
    at(now + link.rttMicros(), () -> slice(answer));
  }

  private void slice(Answer answer) {
    long bytes = Math.min(answer.left, SLICE);
    freeAt = Math.max(freeAt, now) + bytes * 1e6 / link.bytesPerSecond();
    answer.left -= bytes;
    at(
        freeAt,
        () -> {
          answer.arrived(bytes, now);
          if (answer.left > 0) {
            slice(answer);
          } else {
            answer.ended(now);
          }
        });
  }

  /** Lets time pass until nothing is left to happen. */
  void run() {
    for (Event event = events.poll(); event != null; event = events.poll()) {
      now = event.micros();
      event.task().run();
    }
  }
}
