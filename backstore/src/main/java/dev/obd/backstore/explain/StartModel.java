package dev.obd.backstore.explain;

import dev.obd.backstore.startlog.StartLog;
import dev.obd.backstore.startlog.StartLog.Planned;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.trace.Access;
import dev.obd.trace.Coalescer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A start as a model can play it: the reads, of which each begins as long after the end of all that
 * had ended before it as it really did, takes the time that it took besides waiting, and needs what
 * it needed. Why it is as it is: docs/decisions/0014-explain-model.md.
 */
final class StartModel {
  /** A start with more than that is not played. */
  private static final long MOST_UNITS = 1 << 22;

  private static final long GAP_BYTES = 64 << 10;
  private static final long REQUEST_BYTES = 1 << 20;
  private static final long DEFAULT_UNIT = 64 << 10;

  /** A unit of a blob. */
  record Unit(int blob, long number) {}

  /**
   * A read.
   *
   * @param after how many of the reads, in the order in which they ended, must have ended
   * @param thinkMicros from then to its beginning
   * @param localMicros that it took besides waiting
   * @param endOrder its place in the order in which they ended
   */
  record Step(DiskRead read, int after, double thinkMicros, double localMicros, int endOrder) {}

  final List<Step> steps;
  final List<Planned> replay;
  final int replayAfter;
  final double replayThinkMicros;
  private final StartLog log;
  private final int[] blobs;
  private final Set<Unit> wired = new HashSet<>(); // in units of the log

  private StartModel(StartLog log, Timeline timeline, Classification classes) {
    this.log = log;
    this.blobs = Timeline.blobs(log);
    for (WireRequest request : timeline.requests()) {
      if (request.ok()) {
        long unit = unit(request.blob());
        for (long u = request.offset() / unit; u * unit < request.end(); u++) {
          wired.add(new Unit(request.blob(), u));
        }
      }
    }
    List<DiskRead> all = timeline.all();
    List<Integer> byEnd = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      byEnd.add(i);
    }
    byEnd.sort(Comparator.comparingLong(i -> all.get(i).endMicros()));
    long[] ends = byEnd.stream().mapToLong(i -> all.get(i).endMicros()).toArray();
    int[] endOrder = new int[ends.length];
    for (int i = 0; i < ends.length; i++) {
      endOrder[byEnd.get(i)] = i;
    }
    steps = new ArrayList<>();
    int after = 0;
    for (int i = 0; i < all.size(); i++) {
      DiskRead read = all.get(i);
      // Not what ends when it begins: a read of no length would wait for itself.
      after = endedBefore(ends, after, read.beginMicros());
      double think = read.beginMicros() - (after == 0 ? 0 : ends[after - 1]);
      steps.add(new Step(read, after, think, local(read, classes), endOrder[i]));
    }
    replay = log.steps().isEmpty() ? asRead(timeline) : mapped(log.steps());
    long replayBegin = replayBegin(timeline);
    replayAfter = endedBefore(ends, 0, replayBegin);
    replayThinkMicros = replayBegin - (replayAfter == 0 ? 0 : ends[replayAfter - 1]);
  }

  /** Empty if the start is too large for that. */
  static Optional<StartModel> of(StartLog log, Timeline timeline, Classification classes) {
    long units = 0;
    for (WireRequest request : timeline.requests()) {
      units += request.length() / 4096 + 1;
    }
    for (DiskRead read : timeline.all()) {
      for (BlobRead blob : read.blobs()) {
        units += (blob.end() - blob.offset()) / 4096 + 1;
      }
    }
    for (Planned step : log.steps()) {
      units += step.length() / 4096 + 1;
    }
    return units < 0 || units > MOST_UNITS * 4
        ? Optional.empty()
        : Optional.of(new StartModel(log, timeline, classes));
  }

  /** How a start would go. */
  Prediction predict(Scenario scenario) {
    return new ModelRun(this, scenario).run();
  }

  private static int endedBefore(long[] ends, int from, long micros) {
    int n = from;
    while (n < ends.length && ends[n] < micros) {
      n++;
    }
    return n;
  }

  private static double local(DiskRead read, Classification classes) {
    double local = read.endMicros() - read.beginMicros();
    for (BlobRead blob : read.blobs()) {
      local -= classes.stall(blob).map(stall -> stall.endMicros() - blob.beginMicros()).orElse(0L);
    }
    return Math.max(0, local);
  }

  /** When the replay began; without one, when the image was open. */
  private static long replayBegin(Timeline timeline) {
    return timeline.requests().stream()
        .filter(r -> r.purpose() == Purpose.REPLAY)
        .mapToLong(WireRequest::queuedMicros)
        .min()
        .orElseGet(
            () -> timeline.opening().stream().mapToLong(DiskRead::endMicros).max().orElse(-1) + 1);
  }

  private List<Planned> mapped(List<Planned> planned) {
    return planned.stream()
        .map(p -> new Planned(blobs[p.layer()], p.offset(), p.length()))
        .toList();
  }

  /** What a trace of this very start would make a replay fetch. */
  private List<Planned> asRead(Timeline timeline) {
    List<Access> units = new ArrayList<>();
    for (DiskRead read : timeline.reads()) {
      for (BlobRead blob : read.blobs()) {
        long unit = unit(blob.blob());
        long from = blob.offset() & -unit;
        long end =
            Math.min((blob.end() + unit - 1) & -unit, Math.max(blob.end(), size(blob.blob())));
        if (end > from && isWired(blob.blob(), from, end)) {
          units.add(new Access(blob.blob(), from, end - from));
        }
      }
    }
    return Coalescer.coalesce(units, GAP_BYTES, REQUEST_BYTES).stream()
        .map(a -> new Planned(a.layer(), a.offset(), a.length()))
        .toList();
  }

  /** In what the log's blob was fetched. */
  long unit(int blob) {
    long unit = log.layers().get(blob).unitBytes();
    return unit < 4096 ? DEFAULT_UNIT : unit;
  }

  /** The aligned window that a read got which missed something. */
  long refill(int blob) {
    return Math.max(unit(blob), log.layers().get(blob).refillBytes());
  }

  long size(int blob) {
    return log.layers().get(blob).blobBytes();
  }

  /** True if something of the range came over the wire; what did not was here before. */
  boolean isWired(int blob, long offset, long end) {
    long unit = unit(blob);
    for (long u = offset / unit; u * unit < end; u++) {
      if (wired.contains(new Unit(blob, u))) {
        return true;
      }
    }
    return false;
  }

  /** What was read by reads of the disk, each 4 KiB once, in order. */
  List<Unit> firstTouches() {
    Set<Unit> seen = new LinkedHashSet<>();
    for (Step step : steps) {
      if (step.read().isOfDisk()) {
        for (BlobRead blob : step.read().blobs()) {
          for (long cell = blob.offset() / ModelRun.CELL;
              cell * ModelRun.CELL < blob.end();
              cell++) {
            if (isWired(blob.blob(), cell * ModelRun.CELL, (cell + 1) * ModelRun.CELL)) {
              seen.add(new Unit(blob.blob(), cell));
            }
          }
        }
      }
    }
    return new ArrayList<>(seen);
  }
}
