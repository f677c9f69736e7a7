package dev.obd.backstore.cache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Which unit goes next: the one of its generation that was used longest ago. Looks through all
 * units once for some thousand of them; a unit that was used since is passed over, and whatever was
 * not among them was used later than any of them, so the order is exact. Not thread-safe.
 */
final class Victims {
  /** Chosen at once, which bounds the memory; the search is paid once for as many evictions. */
  private static final int BATCH = 4096;

  /**
   * A unit that may go.
   *
   * @param order of its blob, for units used at the same time
   */
  record Victim(BlobFile blob, int order, int unit, long word) {
    private static final Comparator<Victim> LATEST_FIRST =
        Comparator.<Victim>comparingLong(v -> UnitStates.stamp(v.word))
            .thenComparingInt(Victim::order)
            .thenComparingInt(Victim::unit)
            .reversed();
  }

  private final Deque<Victim> young = new ArrayDeque<>();
  private final Deque<Victim> old = new ArrayDeque<>();

  /**
   * The next victim, which is then busy; null if there is none in that generation.
   *
   * @param ofOld which generation
   */
  @Nullable Victim next(List<BlobFile> blobs, boolean ofOld) {
    Deque<Victim> chosen = ofOld ? old : young;
    Victim victim = take(chosen);
    if (victim == null) {
      choose(blobs, ofOld, chosen);
      victim = take(chosen);
    }
    return victim;
  }

  private static @Nullable Victim take(Deque<Victim> chosen) {
    Victim next = chosen.poll();
    while (next != null && !next.blob.states().take(next.unit, next.word)) {
      next = chosen.poll();
    }
    return next;
  }

  private static void choose(List<BlobFile> blobs, boolean ofOld, Deque<Victim> into) {
    var chosen = new PriorityQueue<Victim>(64, Victim.LATEST_FIRST);
    for (int order = 0; order < blobs.size(); order++) {
      BlobFile blob = blobs.get(order);
      int of = order;
      if (!blob.isKept()) {
        blob.states()
            .scan((unit, word) -> {
              if (UnitStates.isOld(word) == ofOld) {
                offer(chosen, new Victim(blob, of, unit, word));
              }
            });
      }
    }
    List<Victim> latestFirst = new ArrayList<>(chosen.size());
    while (!chosen.isEmpty()) {
      latestFirst.add(chosen.remove());
    }
    latestFirst.reversed().forEach(into::add);
  }

  private static void offer(PriorityQueue<Victim> chosen, Victim candidate) {
    Victim latest = chosen.peek();
    boolean full = chosen.size() >= BATCH;
    if (latest != null && full && Victim.LATEST_FIRST.compare(latest, candidate) > 0) {
      return;
    }
    if (full) {
      chosen.remove();
    }
    chosen.add(candidate);
  }

  /** Forgets what was chosen: blobs were removed, or are to be kept from now on. */
  void clear() {
    young.clear();
    old.clear();
  }
}
