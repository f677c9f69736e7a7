package dev.obd.trace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * Turns what was read into what to fetch: each byte once, neighbours together, in the order in
 * which they were first touched.
 *
 * <p>Overlapping, touching and nearly touching ranges of a layer become one run; runs are cut into
 * pieces; a piece comes where the first access that needs any of it was. For n accesses O(n log n)
 * time, and never more than {@link #MAX_PIECES} pieces, whatever the accesses say.
 */
public final class Coalescer {
  /** Of a longer access only the start is used; no known recorder makes one. In bytes. */
  public static final long MAX_ACCESS_LENGTH = 32 << 20;

  /** What would come after that many pieces is left out. */
  public static final int MAX_PIECES = 1 << 20;

  private static final long MIN_PIECE = 1 << 16;

  private final long gap;
  private final long maxLength;

  private Coalescer(long gap, long maxLength) {
    this.gap = gap;
    this.maxLength = maxLength;
  }

  /**
   * What to fetch, in order.
   *
   * @param gap ranges this many bytes apart or less become one, at least 0
   * @param maxLength of a piece in bytes, at least 64 KiB and at least {@code gap}
   */
  public static List<Access> coalesce(List<Access> accesses, long gap, long maxLength) {
    // A longer gap would only number pieces that nobody touched.
    if (gap < 0 || gap > maxLength || maxLength < MIN_PIECE) {
      throw new IllegalArgumentException("gap " + gap + ", maxLength " + maxLength);
    }
    return new Coalescer(gap, maxLength).coalesce(accesses);
  }

  private List<Access> coalesce(List<Access> accesses) {
    List<Run> runs = runs(accesses);
    var emitted = new BitSet();
    List<Access> pieces = new ArrayList<>();
    for (Access access : accesses) {
      Run run = runHolding(runs, access);
      long first = (access.offset() - run.start) / maxLength;
      long last = (end(access) - 1 - run.start) / maxLength;
      for (long piece = first; piece <= last; piece++) {
        int number = Math.toIntExact(run.firstPiece + piece);
        if (!emitted.get(number)) {
          if (pieces.size() == MAX_PIECES) {
            return pieces;
          }
          emitted.set(number);
          long offset = run.start + piece * maxLength;
          pieces.add(new Access(run.layer, offset, Math.min(maxLength, run.end - offset)));
        }
      }
    }
    return pieces;
  }

  /** Sorted by layer and start; no two of a layer lie within the gap. */
  private List<Run> runs(List<Access> accesses) {
    Access[] sorted = accesses.toArray(Access[]::new);
    Arrays.sort(sorted, Comparator.comparingInt(Access::layer).thenComparingLong(Access::offset));
    List<Run> runs = new ArrayList<>();
    long pieces = 0;
    Run run = null;
    for (Access access : sorted) {
      if (run != null && run.layer == access.layer() && access.offset() - run.end <= gap) {
        run.end = Math.max(run.end, end(access));
        continue;
      }
      if (run != null) {
        pieces += run.pieces(maxLength);
      }
      run = new Run(access.layer(), access.offset(), end(access), pieces);
      runs.add(run);
    }
    return runs;
  }

  private static Run runHolding(List<Run> runs, Access access) {
    int low = 0;
    int high = runs.size() - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (runs.get(middle).startsAfter(access)) {
        high = middle - 1;
      } else {
        low = middle;
      }
    }
    return runs.get(low);
  }

  private static long end(Access access) {
    return access.offset() + Math.min(access.length(), MAX_ACCESS_LENGTH);
  }

  private static final class Run {
    private final int layer;
    private final long start;
    private long end;
    private final long firstPiece;

    Run(int layer, long start, long end, long firstPiece) {
      this.layer = layer;
      this.start = start;
      this.end = end;
      this.firstPiece = firstPiece;
    }

    long pieces(long maxLength) {
      return (end - start - 1) / maxLength + 1;
    }

    boolean startsAfter(Access access) {
      return layer != access.layer() ? layer > access.layer() : start > access.offset();
    }
  }
}
