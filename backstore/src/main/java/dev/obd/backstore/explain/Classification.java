package dev.obd.backstore.explain;

import dev.obd.backstore.explain.Sweep.Ranges;
import dev.obd.backstore.startlog.StartLog;
import dev.obd.backstore.startlog.StartLog.Planned;
import dev.obd.io.ReadContext.Purpose;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What each byte of each request was good for, what each record of the trace was, and how long each
 * read of a blob waited for the wire.
 *
 * <p>A read uses the copy of a byte that arrived last before the read ended, or, if none had
 * arrived, the one that was under way. It waited for it if that copy had not arrived when the read
 * began; unless it took less than {@link #AT_ONCE_MICROS} and the copy went on to arrive: then its
 * part of it was here, and counts as read when the rest had come.
 */
final class Classification {
  /** What a record of the trace turned out to be. */
  enum RecordClass {
    /** All that was read of it was here in time. */
    USEFUL,
    /** A read waited for its prefetch. */
    LATE,
    /** A read fetched it, before the replay came to it. */
    OVERTAKEN,
    /** It came, and was lost before it was read. */
    EARLY,
    /** It was fetched, and nothing of it was read. */
    WASTED,
    /** Nothing of it was fetched: it was here before, or the log ended first. */
    IDLE
  }

  /**
   * Why a read waited.
   *
   * @param endMicros when what it waited for was here
   * @param request the last of what it waited for
   */
  record Stall(long endMicros, int request) {}

  private static final int NEVER = -1;

  /** A read that takes less found its bytes here, though not all of their answer. */
  static final long AT_ONCE_MICROS = 1000;

  private final List<WireRequest> requests;
  private final List<Map<ByteClass, Long>> bytes = new ArrayList<>(); // of each request
  private final List<Set<ByteClass>> needClasses = new ArrayList<>();
  private final IdentityHashMap<BlobRead, Stall> stalls = new IdentityHashMap<>();

  private Classification(List<WireRequest> requests) {
    this.requests = requests;
    requests.forEach(_ -> bytes.add(new EnumMap<>(ByteClass.class)));
  }

  static Classification of(StartLog log, Timeline timeline) {
    var all = new Classification(timeline.requests());
    int[] blobs = Timeline.blobs(log);
    log.needs().forEach(_ -> all.needClasses.add(EnumSet.noneOf(ByteClass.class)));
    for (int blob = 0; blob < blobs.length; blob++) {
      if (blobs[blob] == blob) {
        all.new OneBlob(blob, log, timeline, blobs).sweep();
      }
    }
    return all;
  }

  /** Bytes of request {@code number} by class. */
  Map<ByteClass, Long> bytes(int number) {
    return Collections.unmodifiableMap(bytes.get(number));
  }

  /** How long {@code read} waited for the wire; empty if it did not. */
  Optional<Stall> stall(BlobRead read) {
    return Optional.ofNullable(stalls.get(read));
  }

  /** What each record was, in the order of {@link StartLog#needs}. */
  List<RecordClass> records() {
    return needClasses.stream().map(Classification::recordClass).toList();
  }

  private static RecordClass recordClass(Set<ByteClass> found) {
    if (found.isEmpty()) {
      return RecordClass.IDLE;
    }
    if (found.contains(ByteClass.LATE)) {
      return RecordClass.LATE;
    }
    if (found.contains(ByteClass.OVERTAKEN)) {
      return RecordClass.OVERTAKEN;
    }
    if (found.contains(ByteClass.EARLY)) {
      return RecordClass.EARLY;
    }
    return found.contains(ByteClass.USEFUL) || found.contains(ByteClass.OPENING)
        ? RecordClass.USEFUL
        : RecordClass.WASTED;
  }

  private final class OneBlob {
    private final List<Integer> wires = new ArrayList<>();
    private final List<BlobRead> reads = new ArrayList<>();
    private final List<Integer> needs = new ArrayList<>();
    private final List<Ranges> kinds = new ArrayList<>();

    OneBlob(int blob, StartLog log, Timeline timeline, int[] blobs) {
      Ranges wireRanges = new Ranges();
      for (int i = 0; i < requests.size(); i++) {
        WireRequest request = requests.get(i);
        if (request.ok() && request.blob() == blob) {
          wires.add(i);
          wireRanges.add(request.offset(), request.end());
        }
      }
      long unit = Math.max(1, log.layers().get(blob).unitBytes());
      Ranges readRanges = new Ranges();
      Ranges readUnits = new Ranges();
      for (DiskRead disk : timeline.all()) {
        for (BlobRead read : disk.blobs()) {
          if (read.blob() == blob) {
            reads.add(read);
            readRanges.add(read.offset(), read.end());
            readUnits.add(read.offset() & -unit, (read.end() + unit - 1) & -unit);
          }
        }
      }
      Ranges needRanges = new Ranges();
      Ranges stepRanges = new Ranges();
      for (int i = 0; i < log.needs().size(); i++) {
        Planned need = log.needs().get(i);
        if (blobs[need.layer()] == blob) {
          needs.add(i);
          needRanges.add(need.offset(), need.end());
        }
      }
      for (Planned step : log.steps()) {
        if (blobs[step.layer()] == blob) {
          stepRanges.add(step.offset(), step.end());
        }
      }
      kinds.addAll(List.of(wireRanges, readRanges, readUnits, needRanges, stepRanges));
    }

    void sweep() {
      Sweep.over(
          kinds,
          (offset, end, covering) -> {
            int[] copies = covering.get(0).stream().mapToInt(wires::get).sorted().toArray();
            long[] firstUse = uses(copies, covering.get(1));
            for (int i = 0; i < copies.length; i++) {
              ByteClass found = classOf(i, copies, firstUse, covering);
              bytes.get(copies[i]).merge(found, end - offset, Long::sum);
              for (int need : covering.get(3)) {
                needClasses.get(needs.get(need)).add(found);
              }
            }
          });
    }

    /** When the first read that used each copy began; {@link #NEVER} if none did. */
    private long[] uses(int[] copies, List<Integer> covering) {
      long[] firstUse = new long[copies.length];
      Arrays.fill(firstUse, NEVER);
      for (int number : covering) {
        BlobRead read = reads.get(number);
        int used = used(copies, read);
        if (used == NEVER) {
          continue; // it was here before the log began
        }
        WireRequest copy = requests.get(copies[used]);
        long from = foundOnItsWay(read, copy) ? copy.endMicros() : read.beginMicros();
        if (firstUse[used] == NEVER || from < firstUse[used]) {
          firstUse[used] = from;
        }
        if (copy.endMicros() > from) {
          long until = Math.min(copy.endMicros(), read.endMicros());
          @Nullable Stall before = stalls.get(read);
          if (before == null || before.endMicros() < until) {
            stalls.put(read, new Stall(until, copies[used]));
          }
        }
      }
      return firstUse;
    }

    /** The bytes of a long answer can be read before the last of them has come. */
    private static boolean foundOnItsWay(BlobRead read, WireRequest copy) {
      return copy.endMicros() > read.endMicros()
          && copy.beginMicros() < read.beginMicros()
          && read.endMicros() - read.beginMicros() < AT_ONCE_MICROS;
    }

    private int used(int[] copies, BlobRead read) {
      int arrived = NEVER;
      int underWay = NEVER;
      for (int i = 0; i < copies.length; i++) {
        WireRequest copy = requests.get(copies[i]);
        if (copy.endMicros() <= read.endMicros()) {
          if (arrived == NEVER || copy.endMicros() >= requests.get(copies[arrived]).endMicros()) {
            arrived = i;
          }
        } else if (copy.beginMicros() <= read.endMicros()
            && (underWay == NEVER
                || copy.endMicros() < requests.get(copies[underWay]).endMicros())) {
          underWay = i;
        }
      }
      return arrived != NEVER ? arrived : underWay;
    }

    private ByteClass classOf(
        int which, int[] copies, long[] firstUse, List<List<Integer>> covering) {
      WireRequest copy = requests.get(copies[which]);
      if (copy.opening()) {
        return ByteClass.OPENING;
      }
      if (wasUsedBefore(which, copies, firstUse)) {
        return ByteClass.AGAIN;
      }
      boolean ahead = copy.purpose() != Purpose.DEMAND;
      if (firstUse[which] != NEVER) {
        if (ahead) {
          return firstUse[which] >= copy.endMicros() ? ByteClass.USEFUL : ByteClass.LATE;
        }
        return covering.get(3).isEmpty() ? ByteClass.MISSED : ByteClass.OVERTAKEN;
      }
      if (ahead && isUsedLater(which, copies, firstUse)) {
        return ByteClass.EARLY;
      }
      if (!covering.get(1).isEmpty()) {
        return ByteClass.AGAIN; // read, but of another copy
      }
      if (!covering.get(2).isEmpty() || !ahead) {
        return ByteClass.ROUNDING;
      }
      if (copy.purpose() == Purpose.BACKGROUND) {
        return ByteClass.BACKGROUND;
      }
      return covering.get(3).isEmpty() && !covering.get(4).isEmpty()
          ? ByteClass.GAP
          : ByteClass.WASTED;
    }

    /** An earlier copy had come, and been of use, before this one was asked for. */
    private boolean wasUsedBefore(int which, int[] copies, long[] firstUse) {
      long begin = requests.get(copies[which]).beginMicros();
      for (int i = 0; i < copies.length; i++) {
        if (i != which
            && firstUse[i] != NEVER
            && firstUse[i] <= begin
            && requests.get(copies[i]).endMicros() <= begin) {
          return true;
        }
      }
      return false;
    }

    private boolean isUsedLater(int which, int[] copies, long[] firstUse) {
      long end = requests.get(copies[which]).endMicros();
      for (int i = 0; i < copies.length; i++) {
        if (i != which && firstUse[i] != NEVER && requests.get(copies[i]).beginMicros() >= end) {
          return true;
        }
      }
      return false;
    }
  }
}
