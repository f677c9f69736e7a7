package dev.obd.backstore.build;

import dev.obd.format.lsmt.LayerHeader;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.io.Range;
import dev.obd.trace.Access;
import dev.obd.trace.Intervals;
import dev.obd.trace.Intervals.Interval;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Where on the disk lies what a trace says was read of its layers.
 *
 * @param disk whole blocks of 4 KiB (the last may be shorter), none twice, by first touch. What an
 *     upper layer hides is not there: no read of the disk needs it
 * @param opening of the rest what opening the layers reads, headers and indexes; by first touch
 */
record FirstTouches(List<Range> disk, List<Access> opening) {
  /** What file systems read at once, and what a ZFile compresses as one. */
  private static final int BLOCK = 4096;

  private static final int SECTOR = 512;

  /** More than this is no start, but a copy of the image. */
  private static final long MAX_BYTES = 4L << 30;

  /** The most ranges of layers, and then of the disk, that are looked at. */
  private static final int MAX_RANGES = 1 << 21;

  FirstTouches {
    disk = List.copyOf(disk);
    opening = List.copyOf(opening);
  }

  /** Bytes of the disk. */
  long bytes() {
    return disk.stream().mapToLong(Range::length).sum();
  }

  /**
   * Looks up what {@code trace} read of {@code stack}. What it says of layers that the stack lacks,
   * or of places behind a layer's end, is left out.
   *
   * @throws IOException if that is more than a hot layer can hold
   */
  static FirstTouches of(LayerStack stack, Trace trace) throws IOException {
    return new Lookup(stack, trace).result();
  }

  /** Bytes of a layer that access {@code rank} was the first to read. */
  private record Touch(int rank, long from, long end) {}

  /** The same on the disk; {@code data} is where in the layer. */
  private record Hit(int rank, long data, long from, long end) {}

  /** Within one access in the layer's order: that is how it was read. */
  private static final Comparator<Hit> BY_TOUCH =
      Comparator.comparingInt(Hit::rank).thenComparingLong(Hit::data).thenComparingLong(Hit::from);

  private static final class Lookup {
    private final LayerStack stack;
    private final Trace trace;
    private final List<List<Touch>> touches = new ArrayList<>(); // by layer, then disjoint by place
    private final List<Hit> hits = new ArrayList<>();

    Lookup(LayerStack stack, Trace trace) {
      this.stack = stack;
      this.trace = trace;
    }

    FirstTouches result() throws IOException {
      List<Access> rest = touches();
      touches.forEach(layer -> layer.sort(Comparator.comparingLong(Touch::from)));
      int top = stack.layers().size() - 1;
      stack
          .index()
          .forEach((first, count, data, zeroed, tag) -> {
            if (!zeroed) {
              hits(touches.get(top - tag), first * SECTOR, data * SECTOR, count * (long) SECTOR);
            }
            return true;
          });
      hits.sort(BY_TOUCH);
      return new FirstTouches(blocks(), rest);
    }

    /** Sorts out what was read first of each layer; returns what opening it reads. */
    private List<Access> touches() throws IOException {
      List<SealedLayer> layers = stack.layers();
      List<Intervals> seen = new ArrayList<>();
      for (int i = 0; i < layers.size(); i++) {
        touches.add(new ArrayList<>());
        seen.add(new Intervals());
      }
      List<Access> rest = new ArrayList<>();
      int ranges = 0;
      for (int rank = 0; rank < trace.size(); rank++) {
        Access access = trace.get(rank);
        if (access.layer() >= layers.size()) {
          continue;
        }
        SealedLayer layer = layers.get(access.layer());
        long end = Math.min(access.offset() + access.length(), layer.source().size());
        if (access.offset() >= end) {
          continue;
        }
        for (Interval fresh : seen.get(access.layer()).add(access.offset(), end)) {
          require(++ranges <= MAX_RANGES, "more than " + MAX_RANGES + " ranges of layers");
          touches.get(access.layer()).add(new Touch(rank, fresh.from(), fresh.end()));
          addOpening(rest, access.layer(), fresh.from(), Math.min(fresh.end(), LayerHeader.BYTES));
          long index = Math.max(fresh.from(), layer.trailer().indexOffset());
          addOpening(rest, access.layer(), index, fresh.end());
        }
      }
      return rest;
    }

    private static void addOpening(List<Access> rest, int layer, long from, long end) {
      if (from < end) {
        rest.add(new Access(layer, from, end - from));
      }
    }

    /**
     * Finds what was touched of a segment. Each range found is another one of the disk, whatever
     * the index says: so the work is bounded by what is found.
     */
    private void hits(List<Touch> layer, long disk, long data, long length) throws IOException {
      for (int i = firstEndingAfter(layer, data); i < layer.size(); i++) {
        Touch touch = layer.get(i);
        if (touch.from() >= data + length) {
          return;
        }
        require(hits.size() < MAX_RANGES, "more than " + MAX_RANGES + " ranges of the disk");
        long from = Math.max(0, touch.from() - data);
        long end = Math.min(length, touch.end() - data);
        hits.add(new Hit(touch.rank(), data + from, disk + from, disk + end));
      }
    }

    private static int firstEndingAfter(List<Touch> layer, long offset) {
      int low = 0;
      int high = layer.size();
      while (low < high) {
        int middle = (low + high) >>> 1;
        if (layer.get(middle).end() > offset) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      return low;
    }

    private List<Range> blocks() throws IOException {
      long diskEnd = stack.size() / SECTOR * SECTOR;
      Intervals seen = new Intervals();
      List<Range> blocks = new ArrayList<>();
      long bytes = 0;
      for (Hit hit : hits) {
        long from = hit.from() / BLOCK * BLOCK;
        long end = Math.min((hit.end() + BLOCK - 1) / BLOCK * BLOCK, diskEnd);
        if (from >= end) {
          continue;
        }
        for (Interval fresh : seen.add(from, end)) {
          long length = fresh.end() - fresh.from();
          bytes += length;
          require(bytes <= MAX_BYTES, "more than " + MAX_BYTES + " bytes");
          if (!blocks.isEmpty() && blocks.getLast().end() == fresh.from()) {
            length += blocks.getLast().length();
            blocks.removeLast();
          }
          blocks.add(new Range(fresh.end() - length, length));
        }
      }
      return blocks;
    }

    private void require(boolean holds, String tooMuch) throws IOException {
      if (!holds) {
        throw new IOException(
            stack.name() + ": the trace reads " + tooMuch + ", which is too much for a hot layer");
      }
    }
  }
}
