package dev.obd.backstore.explain;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What a start waited for at the least: the heaviest chain of waits of which none began before the
 * one before it was over.
 */
final class StallChain {
  /**
   * A read that waited for the wire.
   *
   * @param micros it waited, in all
   * @param request the last that it waited for
   */
  record Wait(DiskRead read, long beginMicros, long endMicros, long micros, int request) {}

  private StallChain() {}

  /** The waits of the reads, in order of their end. */
  static List<Wait> waits(Timeline timeline, Classification classes) {
    List<Wait> waits = new ArrayList<>();
    for (DiskRead read : timeline.reads()) {
      long begin = Long.MAX_VALUE;
      long end = 0;
      long sum = 0;
      int request = -1;
      for (BlobRead blob : read.blobs()) {
        if (classes.stall(blob).isPresent()) {
          Classification.Stall stall = classes.stall(blob).get();
          begin = Math.min(begin, blob.beginMicros());
          end = stall.endMicros();
          sum += stall.endMicros() - blob.beginMicros();
          request = stall.request();
        }
      }
      if (sum > 0) {
        waits.add(new Wait(read, begin, end, sum, request));
      }
    }
    waits.sort(Comparator.comparingLong(Wait::endMicros));
    return waits;
  }

  /** The heaviest chain of {@code waits}, which are in order of their end. */
  static List<Wait> heaviest(List<Wait> waits) {
    int n = waits.size();
    long[] best = new long[n + 1]; // of the first i waits
    int[] before = new int[n]; // how many end before this one begins
    for (int i = 0; i < n; i++) {
      before[i] = endedBy(waits, i, waits.get(i).beginMicros());
      best[i + 1] = Math.max(best[i], best[before[i]] + waits.get(i).micros());
    }
    List<Wait> chain = new ArrayList<>();
    for (int i = n; i > 0; ) {
      if (best[i] == best[i - 1]) {
        i--;
      } else {
        chain.add(waits.get(i - 1));
        i = before[i - 1];
      }
    }
    return chain.reversed();
  }

  private static int endedBy(List<Wait> waits, int limit, long micros) {
    int low = 0;
    int high = limit;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (waits.get(middle).endMicros() <= micros) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** How long at least one of {@code waits} was under way. */
  static long covered(List<Wait> waits) {
    List<Wait> byBegin = new ArrayList<>(waits);
    byBegin.sort(Comparator.comparingLong(Wait::beginMicros));
    long sum = 0;
    long until = 0;
    for (Wait wait : byBegin) {
      long from = Math.max(until, wait.beginMicros());
      if (wait.endMicros() > from) {
        sum += wait.endMicros() - from;
        until = wait.endMicros();
      }
    }
    return sum;
  }
}
