package dev.obd.cli;

import dev.obd.backstore.explain.ByteClass;
import dev.obd.backstore.explain.Explainer;
import dev.obd.backstore.explain.Explanation;
import dev.obd.backstore.explain.ReadOrder;
import dev.obd.backstore.inspect.Traces;
import dev.obd.backstore.startlog.StartLogFile;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd trace diff}. */
@Command(
    name = "diff",
    mixinStandardHelpOptions = true,
    description = {
      "Compare two start logs, or two traces: what is read in addition, no more, or at another time; of logs also what the second gained or lost.",
      "Sizes are of pieces of 4 KiB: of the disk in logs, of the uncompressed layers in traces.",
      "",
      "Example:  obd trace diff monday.log tuesday.log --image app:v1",
      "          obd trace diff app:v1 app:v2"
    })
final class TraceDiffCommand implements Callable<Integer> {
  private static final int MOST_NAMES = 8;

  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(
      index = "0",
      paramLabel = "A",
      description = "A start log; or a trace file, or an image that has a trace.")
  private String before;

  @Parameters(index = "1", paramLabel = "B", description = "Another of the same kind.")
  private String after;

  @Option(
      names = "--image",
      paramLabel = "IMAGE",
      description = "Name the files that logs differ in: the image of both.")
  private @Nullable String image;

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  /** Bytes, by the file or the layer that has them. */
  private record Part(String where, long bytes) {}

  /** What a log gained, if negative, or lost against another. */
  private record Times(
      long endMicros,
      long stalledMicros,
      long requests,
      long wireBytes,
      Map<ByteClass, Long> classes) {}

  private record Document(
      String before,
      String after,
      ReadOrder.Change reads,
      List<Part> added,
      List<Part> removed,
      @Nullable Times change) {}

  @Override
  public Integer call() throws Exception {
    boolean logs = isLog(before);
    if (logs != isLog(after)) {
      throw new ParameterException(
          spec.commandLine(), "one is a start log, the other is none: " + before + ", " + after);
    }
    if (image != null && !logs) {
      throw new ParameterException(spec.commandLine(), "--image names files of start logs only");
    }
    Document document = logs ? logs() : traces();
    if (json) {
      Json.print(spec.commandLine().getOut(), "trace-diff", document);
    } else {
      print(spec.commandLine().getOut(), document);
    }
    return 0;
  }

  private static boolean isLog(String name) throws IOException {
    return !name.startsWith("oci:") && StartLogFile.isStartLog(Path.of(name));
  }

  private Document logs() throws IOException {
    var one = StartLogFile.read(Path.of(before));
    var other = StartLogFile.read(Path.of(after));
    Function<ReadOrder.Cell, String> name = cell -> "disk";
    if (image != null) {
      try (Session session = options.open()) {
        FileMapNames names = FileMapNames.of(session, image);
        name =
            cell ->
                names
                    .of(cell.number() * ReadOrder.CELL, ReadOrder.CELL)
                    .orElse("(no file: metadata, or free)");
      }
    }
    Explanation a = Explainer.DEFAULT.explain(one);
    Explanation b = Explainer.DEFAULT.explain(other);
    Map<ByteClass, Long> classes = new EnumMap<>(ByteClass.class);
    b.classes().forEach((c, n) -> classes.put(c, n - a.classes().getOrDefault(c, 0L)));
    var times =
        new Times(
            b.time().endMicros() - a.time().endMicros(),
            b.time().stalledMicros() - a.time().stalledMicros(),
            b.wire().requests() - a.wire().requests(),
            b.wire().bytes() - a.wire().bytes(),
            classes);
    return document(ReadOrder.of(one), ReadOrder.of(other), name, times);
  }

  private Document traces() throws IOException {
    try (Session session = options.open()) {
      return document(
          ReadOrder.of(trace(before, session)),
          ReadOrder.of(trace(after, session)),
          cell -> "layer " + cell.layer(),
          null);
    }
  }

  private static Trace trace(String source, Session session) throws IOException {
    return Traces.load(source, session.plans())
        .trace()
        .orElseThrow(() ->
            new IOException(source + ": has runs, and no trace; 'obd trace merge' makes one"));
  }

  private Document document(
      ReadOrder one,
      ReadOrder other,
      Function<ReadOrder.Cell, String> name,
      @Nullable Times times) {
    return new Document(
        before,
        after,
        one.to(other),
        parts(one.addedBy(other, name)),
        parts(other.addedBy(one, name)),
        times);
  }

  private static List<Part> parts(List<Map.Entry<String, Long>> bytes) {
    return bytes.stream().map(e -> new Part(e.getKey(), e.getValue())).toList();
  }

  private static void print(PrintWriter out, Document d) {
    out.println("both     " + Sizes.show(d.reads.common()));
    out.println("moved    " + Sizes.show(d.reads.moved()) + " of that");
    print(out, "added", d.reads.added(), d.added);
    print(out, "removed", d.reads.removed(), d.removed);
    if (d.change != null) {
      out.println(
          String.format(
              Locale.ROOT,
              "time     %+.3f s, waiting %+.3f s",
              d.change.endMicros / 1e6,
              d.change.stalledMicros / 1e6));
      out.println(
          String.format(
              Locale.ROOT,
              "wire     %+d bytes in %+d requests",
              d.change.wireBytes,
              d.change.requests));
      d.change.classes.forEach((c, n) -> {
        if (n != 0) {
          out.println(String.format(Locale.ROOT, "         %-10s %+d bytes", c, n));
        }
      });
    }
  }

  private static void print(PrintWriter out, String what, long bytes, List<Part> parts) {
    out.println(String.format(Locale.ROOT, "%-8s %s", what, Sizes.show(bytes)));
    parts.stream()
        .limit(MOST_NAMES)
        .forEach(part ->
            out.println(
                String.format(Locale.ROOT, "  %9s  %s", Sizes.show(part.bytes), part.where)));
    if (parts.size() > MOST_NAMES) {
      out.println("             and " + (parts.size() - MOST_NAMES) + " more");
    }
  }
}
