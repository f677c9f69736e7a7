package dev.obd.cli;

import dev.obd.io.PendingFile;
import dev.obd.io.PendingFile.Existing;
import dev.obd.io.Printable;
import dev.obd.io.Ticker;
import dev.obd.io.UpdateLock;
import dev.obd.trace.runs.Run;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Files of runs, and what they hold as text. */
final class RunsText {
  private RunsText() {}

  /** One run, as {@code --json} prints it. */
  record RunView(String id, String started, String name, int touches, long bytes) {
    static RunView of(Run run) {
      return new RunView(
          run.id().hex(), run.started().toString(), run.name(), run.touches().size(), run.bytes());
    }
  }

  /** What so many runs, and no more, read. */
  record Support(int runs, long bytes) {}

  /** The newest runs first. */
  static List<RunView> views(Runs runs) {
    return runs.runs().stream().map(RunView::of).toList();
  }

  /** By number of runs, the most first. */
  static List<Support> supports(Runs runs) {
    long[] bytes = new long[runs.runs().size() + 1];
    runs.extents().forEach(extent -> bytes[extent.support()] += extent.length());
    List<Support> supports = new ArrayList<>();
    for (int i = bytes.length - 1; i > 0; i--) {
      supports.add(new Support(i, bytes[i]));
    }
    return supports;
  }

  static void print(PrintWriter out, Runs runs) {
    for (Run run : runs.runs()) {
      out.println(
          String.format(
              Locale.ROOT,
              "%s  %s  %8d touches  %10s  %s",
              run.id(),
              run.started(),
              run.touches().size(),
              Sizes.show(run.bytes()),
              Printable.of(run.name())));
    }
    for (Support support : supports(runs)) {
      out.println(
          String.format(
              Locale.ROOT,
              "read by %d of %d  %s",
              support.runs,
              runs.runs().size(),
              Sizes.show(support.bytes)));
    }
  }

  /** Writes {@code file} anew, or leaves it as it is. */
  static void write(Runs runs, Path file) throws IOException {
    write(RunsFile.encode(runs), file);
  }

  static void write(byte[] bytes, Path file) throws IOException {
    try (PendingFile out = PendingFile.create(file, Existing.REPLACE)) {
      ByteBuffer left = ByteBuffer.wrap(bytes);
      while (left.hasRemaining()) {
        out.channel().write(left);
      }
      out.commit();
    }
  }

  /** Adds a run to what {@code file} holds; the file is made if there is none. */
  static Runs add(Run run, Path file) throws IOException {
    try (var _ = UpdateLock.take(file, Ticker.SYSTEM)) {
      Runs before = Files.exists(file) ? RunsFile.read(file) : Runs.of(List.of());
      Runs after = before.merge(Runs.of(List.of(run)));
      write(after, file);
      return after;
    }
  }
}
