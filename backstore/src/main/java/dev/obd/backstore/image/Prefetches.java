package dev.obd.backstore.image;

import dev.obd.backstore.prefetch.Replayer;
import java.io.Closeable;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;

/** The hints being followed: a few at a time, so that a client cannot pile them up. Thread-safe. */
final class Prefetches implements Closeable {
  private static final int MAX = 4;

  private final Deque<Replayer> running = new ArrayDeque<>(); // guarded by this
  private boolean closed; // guarded by this

  /** Follows a hint, or drops it if too many are under way. */
  synchronized void start(Supplier<Replayer> hint) {
    running.removeIf(replayer -> replayer.stats().done());
    if (!closed && running.size() < MAX) {
      running.add(hint.get());
    }
  }

  /** As closing each of them; none starts after it. */
  @Override
  public synchronized void close() {
    closed = true;
    running.forEach(Replayer::close);
    running.clear();
  }
}
