package dev.obd.cli;

import dev.obd.backstore.explain.Explainer;
import dev.obd.backstore.explain.Explanation;
import dev.obd.backstore.explain.ExplanationPage;
import dev.obd.backstore.explain.Link;
import dev.obd.backstore.startlog.StartLog;
import dev.obd.backstore.startlog.StartLogFile;
import dev.obd.io.FileSink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd trace explain}. */
@Command(
    name = "explain",
    mixinStandardHelpOptions = true,
    description = {
      "Say what a start log means: what each fetched byte was good for, which reads waited for what, and how long the start would have taken otherwise.",
      "The log is written by --start-log of 'obd serve', 'obd attach' and 'obd record'. What comes after 'what if' is computed by a model, not measured.",
      "",
      "Bytes:  useful     prefetched, here before its first read",
      "        late       prefetched, but a read waited for it",
      "        overtaken  in the trace, but a read fetched it first",
      "        missed     fetched by the read that needed it, not in the trace",
      "        opening    fetched to open the image",
      "        rounding   not read, but in a unit that was",
      "        gap        not read, between records that became one request",
      "        wasted     prefetched, and not read while this was logged",
      "        early      prefetched, and lost before it was read",
      "        again      fetched though it had been here, or by two at once",
      "        background brought by a download, and not read",
      "",
      "Example:  obd trace explain app.log --image app:v1",
      "          obd trace explain app.log --link 25Mbit/60ms --json",
      "          obd trace explain app.log --html app.html"
    })
final class TraceExplainCommand implements Callable<Integer> {
  private static final int MAX_LONGEST = 10_000;

  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(paramLabel = "LOG", description = "A start log.")
  private Path log;

  @Option(
      names = "--image",
      paramLabel = "IMAGE",
      description = "Name the files that were waited for: the image of the log, here or far.")
  private @Nullable String image;

  @Option(
      names = "--link",
      paramLabel = "BANDWIDTH/RTT",
      converter = LinkText.class,
      description = "What if the link were another one, such as 25Mbit/60ms?")
  private @Nullable Link link;

  @Option(
      names = "--unit",
      paramLabel = "SIZE",
      converter = Sizes.Converter.class,
      description = "What if blobs were fetched in other units (a power of two from 4K)?")
  private @Nullable Long unit;

  @Option(
      names = "--longest",
      paramLabel = "N",
      description = "How many of the longest waits to name (default ${DEFAULT-VALUE}).")
  private int longest = 10;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "Write a page to look at in a browser there; it needs no network.")
  private @Nullable Path html;

  @Option(names = "--json", description = "Print one JSON document (docs/operations.md).")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    if (longest < 0 || longest > MAX_LONGEST) {
      throw new ParameterException(
          spec.commandLine(), "--longest: expected 0 to " + MAX_LONGEST + ", got " + longest);
    }
    if (unit != null && (unit < 4096 || unit > 16 << 20 || Long.bitCount(unit) != 1)) {
      throw new ParameterException(
          spec.commandLine(), "--unit: expected a power of two from 4K to 16M, got " + unit);
    }
    StartLog read = StartLogFile.read(log);
    Explainer explainer =
        new Explainer(
            longest,
            Optional.ofNullable(link),
            Optional.ofNullable(unit),
            Explainer.DEFAULT.files());
    if (image != null) {
      try (Session session = options.open()) {
        explainer = explainer.naming(FileMapNames.of(session, image));
      }
    }
    Explanation explained = explainer.explain(read);
    if (html != null) {
      write(ExplanationPage.of(read, explained, explainer.files()), html);
    }
    if (json) {
      Json.print(spec.commandLine().getOut(), "explanation", explained);
    } else {
      ExplainText.print(spec.commandLine().getOut(), explained);
    }
    return 0;
  }

  private static void write(String page, Path file) throws IOException {
    try (FileSink out = FileSink.create(file)) {
      out.write(ByteBuffer.wrap(page.getBytes(StandardCharsets.UTF_8)));
      out.finish();
    }
  }
}
