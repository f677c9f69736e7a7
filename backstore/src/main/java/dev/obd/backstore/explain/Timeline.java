package dev.obd.backstore.explain;

import dev.obd.backstore.startlog.StartEvent;
import dev.obd.backstore.startlog.StartLog;
import dev.obd.io.ReadContext.Purpose;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The events of a log, put together: which read of the disk took which reads of blobs and made
 * which requests. An event's children are those of its thread that ended since its last sibling.
 *
 * @param reads of the disk, in order of their beginning
 * @param opening reads of blobs that no read of the disk asked for, each as a read of its own
 * @param requests in order of their beginning
 */
record Timeline(List<DiskRead> reads, List<DiskRead> opening, List<WireRequest> requests) {
  Timeline {
    reads = List.copyOf(reads);
    opening = List.copyOf(opening);
    requests = List.copyOf(requests);
  }

  static Timeline of(StartLog log) {
    return new Builder(log).build();
  }

  /** All that was waited for, in order of its beginning. */
  List<DiskRead> all() {
    List<DiskRead> all = new ArrayList<>(opening);
    all.addAll(reads);
    all.sort(Comparator.comparingLong(DiskRead::beginMicros));
    return all;
  }

  /** For each layer, the first one with the same blob. */
  static int[] blobs(StartLog log) {
    int[] blobs = new int[log.layers().size()];
    Map<String, Integer> first = new HashMap<>();
    for (int i = 0; i < blobs.length; i++) {
      String digest = log.layers().get(i).digest();
      Integer known = digest.isEmpty() ? null : first.putIfAbsent(digest, i);
      blobs[i] = known == null ? i : known;
    }
    return blobs;
  }

  /** What a thread has ended, and nobody has taken yet. */
  private static final class Pending {
    final List<StartEvent> wires = new ArrayList<>();
    final List<Turn> turns = new ArrayList<>();
    final List<Blob> blobs = new ArrayList<>();
    int layer = -1;
  }

  private record Turn(StartEvent wire, long queuedMicros) {}

  private record Blob(BlobRead read, List<Turn> own) {}

  private static final class Builder {
    private final StartLog log;
    private final int[] blobs;
    private final Map<Long, Pending> threads = new HashMap<>();
    private final List<DiskRead> reads = new ArrayList<>();
    private final List<DiskRead> opening = new ArrayList<>();
    private final List<WireRequest> requests = new ArrayList<>();

    Builder(StartLog log) {
      this.log = log;
      this.blobs = blobs(log);
    }

    Timeline build() {
      for (StartEvent event : log.events()) {
        Pending mine = threads.computeIfAbsent(event.thread(), _ -> new Pending());
        switch (event.kind()) {
          case WIRE -> mine.wires.add(event);
          case TURN -> turn(event, mine);
          case BLOB -> {
            sent(mine);
            mine.blobs.add(new Blob(read(event), List.copyOf(mine.turns)));
            mine.turns.clear();
          }
          case LAYER -> mine.layer = mine.layer < 0 ? event.layer() : mine.layer;
          case DISK -> disk(event, mine);
        }
      }
      threads.values().forEach(this::leftOver);
      requests.sort(Comparator.comparingLong(WireRequest::beginMicros));
      reads.sort(Comparator.comparingLong(DiskRead::beginMicros));
      opening.sort(Comparator.comparingLong(DiskRead::beginMicros));
      return new Timeline(reads, opening, requests);
    }

    private void turn(StartEvent event, Pending mine) {
      for (StartEvent wire : mine.wires) {
        mine.turns.add(new Turn(wire, Math.min(event.beginMicros(), wire.beginMicros())));
      }
      mine.wires.clear();
    }

    /** Requests that did not wait for a turn. */
    private static void sent(Pending mine) {
      mine.wires.forEach(wire -> mine.turns.add(new Turn(wire, wire.beginMicros())));
      mine.wires.clear();
    }

    private BlobRead read(StartEvent event) {
      return new BlobRead(
          blobs[event.layer()],
          event.offset(),
          event.end(),
          event.beginMicros(),
          event.endMicros());
    }

    private void disk(StartEvent event, Pending mine) {
      sent(mine);
      requests(mine.turns, false);
      mine.blobs.forEach(blob -> requests(blob.own(), false));
      List<BlobRead> own = mine.blobs.stream().map(Blob::read).toList();
      // The clock is looked at once more for the log: children may seem to begin before it.
      long begin =
          Math.min(
              event.beginMicros(),
              own.stream().mapToLong(BlobRead::beginMicros).min().orElse(Long.MAX_VALUE));
      reads.add(
          new DiskRead(event.offset(), event.length(), mine.layer, begin, event.endMicros(), own));
      mine.blobs.clear();
      mine.turns.clear();
      mine.layer = -1;
    }

    private void leftOver(Pending mine) {
      sent(mine);
      requests(mine.turns, true);
      for (Blob blob : mine.blobs) {
        requests(blob.own(), true);
        BlobRead read = blob.read();
        opening.add(
            new DiskRead(-1, 0, read.blob(), read.beginMicros(), read.endMicros(), List.of(read)));
      }
    }

    private void requests(List<Turn> turns, boolean outsideReads) {
      for (Turn turn : turns) {
        StartEvent wire = turn.wire();
        requests.add(
            new WireRequest(
                wire.layer(),
                blobs[wire.layer()],
                wire.offset(),
                wire.end(),
                turn.queuedMicros(),
                wire.beginMicros(),
                wire.endMicros(),
                wire.purpose(),
                wire.raised(),
                outsideReads && wire.purpose() == Purpose.DEMAND,
                wire.ok()));
      }
    }
  }
}
