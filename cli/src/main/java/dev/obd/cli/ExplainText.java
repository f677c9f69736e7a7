package dev.obd.cli;

import dev.obd.backstore.explain.ByteClass;
import dev.obd.backstore.explain.Explanation;
import dev.obd.backstore.explain.Explanation.Stall;
import dev.obd.backstore.explain.Explanation.WhatIf;
import dev.obd.io.Printable;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** An explanation on one screen: 24 lines of 100 columns at most. */
final class ExplainText {
  private static final int COLUMNS = 100;
  private static final int LINES = 24;
  private static final int MOST_WHAT_IF = 7;

  private ExplainText() {}

  static void print(PrintWriter out, Explanation e) {
    List<String> lines = new ArrayList<>();
    head(e, lines);
    classes(e, lines);
    replay(e, lines);
    List<String> last = whatIf(e);
    stalls(e, lines, LINES - lines.size() - last.size());
    lines.addAll(last);
    for (String line : lines) {
      out.println(line.length() > COLUMNS ? line.substring(0, COLUMNS - 1) + "…" : line);
    }
  }

  private static String micros(long micros) {
    return Durations.show(Duration.ofNanos(micros * 1000));
  }

  private static String percent(long part, long whole) {
    return whole == 0 ? "0 %" : Math.round(100.0 * part / whole) + " %";
  }

  private static void head(Explanation e, List<String> lines) {
    Explanation.Time t = e.time();
    lines.add(
        "start    "
            + micros(t.endMicros())
            + ", of which "
            + micros(t.openMicros())
            + " to open and "
            + micros(t.stalledMicros())
            + " waiting; "
            + t.reads()
            + " reads of "
            + Sizes.show(t.readBytes()));
    lines.add(
        "wire     "
            + Sizes.show(e.wire().bytes())
            + " in "
            + e.wire().requests()
            + " requests, "
            + e.wire().failed()
            + " failed"
            + (e.link() == null ? "" : "; the link: about " + LinkText.show(e.link())));
    if (e.dropped() > 0) {
      lines.add("warning  the log was full: its last " + e.dropped() + " events are not in it");
    }
  }

  private static void classes(Explanation e, List<String> lines) {
    List<String> cells = new ArrayList<>();
    for (Map.Entry<ByteClass, Long> entry : e.classes().entrySet()) {
      if (entry.getValue() > 0) {
        cells.add(
            String.format(
                Locale.ROOT,
                "%-10s %8s %5s",
                entry.getKey(),
                Sizes.show(entry.getValue()),
                percent(entry.getValue(), e.wire().bytes())));
      }
    }
    for (int i = 0; i < cells.size(); i += 3) {
      lines.add(
          (i == 0 ? "bytes    " : "         ")
              + String.join("   ", cells.subList(i, Math.min(i + 3, cells.size()))));
    }
  }

  private static void replay(Explanation e, List<String> lines) {
    Explanation.Replay r = e.replay();
    if (r.records() > 0) {
      lines.add(
          "records  "
              + r.records()
              + " in the trace: "
              + r.useful()
              + " useful, "
              + r.late()
              + " late, "
              + r.overtaken()
              + " overtaken, "
              + r.early()
              + " early, "
              + r.wasted()
              + " wasted, "
              + r.idle()
              + " idle");
    }
  }

  private static void stalls(Explanation e, List<String> lines, int room) {
    Explanation.Stalls s = e.stalls();
    lines.add(
        "stalls   "
            + s.count()
            + " reads waited "
            + micros(s.micros())
            + "; the longest chain of them: "
            + s.chain()
            + ", "
            + micros(s.chainMicros()));
    if (s.longest().isEmpty() || room < 3) {
      return;
    }
    lines.add(
        String.format(
            Locale.ROOT, "%9s  %9s  %-9s  layer  %14s  %s", "at", "waited", "why", "disk", "file"));
    for (Stall stall : s.longest().subList(0, Math.min(s.longest().size(), room - 2))) {
      String file = stall.file() == null ? "" : Printable.of(stall.file());
      lines.add(
          String.format(
              Locale.ROOT,
              "%9s  %9s  %-9s  %5d  %14d  %s",
              micros(stall.atMicros()),
              micros(stall.micros()),
              stall.why(),
              stall.layer(),
              stall.offset(),
              file.length() > 44 ? "…" + file.substring(file.length() - 43) : file));
    }
  }

  private static List<String> whatIf(Explanation e) {
    List<String> lines = new ArrayList<>();
    if (e.whatIf().isEmpty()) {
      return lines;
    }
    lines.add(
        "what if (a model)            link                          time      bytes  requests");
    for (WhatIf w : e.whatIf().subList(0, Math.min(MOST_WHAT_IF, e.whatIf().size()))) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-28s %-22s %11s %10s %9d",
              w.scenario().name(),
              LinkText.show(w.scenario().link()),
              micros(w.prediction().micros()),
              Sizes.show(w.prediction().bytes()),
              w.prediction().requests()));
    }
    return lines;
  }
}
