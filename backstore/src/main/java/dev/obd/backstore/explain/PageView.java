package dev.obd.backstore.explain;

import dev.obd.backstore.explain.StallChain.Wait;
import dev.obd.backstore.startlog.StartLog;
import dev.obd.io.Printable;
import dev.obd.io.ReadContext.Purpose;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A start as rows over time, in as many spans as a screen can show, however long the log is.
 *
 * @param endMicros where the rows end
 * @param arrived how much had come, over time
 */
record PageView(long endMicros, List<Lane> lanes, List<Arrived> arrived) {
  private static final int SPANS = 1500;
  private static final int MOST_LAYERS = 16;

  /** Characters; a path may have 64 Ki. */
  private static final int MOST_LABEL = 200;

  private static final Comparator<Span> IN_TIME = Comparator.comparingLong(Span::beginMicros);

  /**
   * A row.
   *
   * @param colour a variable of the page's style
   * @param kind what a span is of
   */
  record Lane(String name, String colour, String kind, List<Span> spans) {}

  /**
   * One thing, or several that a screen cannot tell apart.
   *
   * @param label what the first of them is
   */
  record Span(long beginMicros, long endMicros, long count, long bytes, String label) {}

  /** A point of the curve. */
  record Arrived(long micros, long bytes) {}

  static PageView of(StartLog log, FileNames files) {
    Timeline timeline = Timeline.of(log);
    Classification classes = Classification.of(log, timeline);
    List<Wait> waits = StallChain.waits(timeline, classes);
    long end = 1;
    for (WireRequest request : timeline.requests()) {
      end = Math.max(end, request.endMicros());
    }
    for (DiskRead read : timeline.reads()) {
      end = Math.max(end, read.endMicros());
    }
    List<Lane> lanes = new ArrayList<>();
    lanes.add(
        lane(
            "reads",
            "read",
            "read",
            timeline.reads().stream()
                .map(r -> new Span(r.beginMicros(), r.endMicros(), 1, r.length(), at(r, files)))
                .toList(),
            end));
    lanes.add(
        lane(
            "waits",
            "wait",
            "wait",
            waits.stream()
                .map(w ->
                    new Span(
                        w.beginMicros(), w.endMicros(), 1, w.read().length(), at(w.read(), files)))
                .toList(),
            end));
    for (int layer = 0; layer < Math.min(MOST_LAYERS, log.layers().size()); layer++) {
      lanes.add(requests(layer, "demand", true, timeline, end));
      lanes.add(requests(layer, "ahead", false, timeline, end));
    }
    lanes.removeIf(lane -> lane.spans().isEmpty());
    return new PageView(end, lanes, arrived(timeline));
  }

  private static String at(DiskRead read, FileNames files) {
    String label =
        "disk "
            + read.offset()
            + files
                .of(read.offset(), read.length())
                .map(file -> ", " + Printable.of(file))
                .orElse("");
    return label.length() > MOST_LABEL ? label.substring(0, MOST_LABEL - 1) + "…" : label;
  }

  private static Lane requests(
      int layer, String colour, boolean demand, Timeline timeline, long end) {
    return lane(
        (demand ? "layer " : "ahead ") + layer,
        colour,
        "request",
        timeline.requests().stream()
            .filter(r -> r.layer() == layer && (r.purpose() == Purpose.DEMAND) == demand)
            .map(r -> new Span(r.beginMicros(), r.endMicros(), 1, r.length(), "blob " + r.offset()))
            .toList(),
        end);
  }

  private static Lane lane(String name, String colour, String kind, List<Span> all, long end) {
    long step = all.size() <= SPANS ? 0 : end / SPANS + 1;
    List<Span> spans = new ArrayList<>();
    for (Span span : all.stream().sorted(IN_TIME).toList()) {
      Span last = spans.isEmpty() ? null : spans.getLast();
      if (last != null && step > 0 && span.beginMicros() / step == last.beginMicros() / step) {
        spans.removeLast();
        spans.add(
            new Span(
                last.beginMicros(),
                Math.max(last.endMicros(), span.endMicros()),
                last.count() + 1,
                last.bytes() + span.bytes(),
                last.label()));
      } else {
        spans.add(span);
      }
    }
    return new Lane(name, colour, kind, spans);
  }

  private static List<Arrived> arrived(Timeline timeline) {
    List<WireRequest> byEnd =
        timeline.requests().stream()
            .filter(WireRequest::ok)
            .sorted(Comparator.comparingLong(WireRequest::endMicros))
            .toList();
    int every = byEnd.size() / SPANS + 1;
    List<Arrived> points = new ArrayList<>();
    long bytes = 0;
    for (int i = 0; i < byEnd.size(); i++) {
      bytes += byEnd.get(i).length();
      if (i % every == 0 || i == byEnd.size() - 1) {
        points.add(new Arrived(byEnd.get(i).endMicros(), bytes));
      }
    }
    return points;
  }
}
