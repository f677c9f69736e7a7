package dev.obd.cli;

import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.inspect.ImageInspector;
import dev.obd.backstore.inspect.ImageReport;
import dev.obd.backstore.inspect.LayerInspector;
import dev.obd.backstore.inspect.TraceReport;
import dev.obd.backstore.inspect.Traces;
import dev.obd.io.FileSource;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd inspect}. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = {
      "Say what an image, an overlaybd config.v1.json, a layer file or a trace file is.",
      "An image is opened for it, which fetches headers and indexes of layers that are not here.",
      "Exits 1 if it is damaged, and says where.",
      "",
      "Example:  obd inspect oci:images:app",
      "          obd inspect --json localhost:5000/app:v1 | jq .virtualSize"
    })
final class InspectCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(
      paramLabel = "SRC",
      description = "An image, an overlaybd config.v1.json, a layer file or a trace file.")
  private String source;

  @Option(
      names = "--verify",
      description = "Read every block of a layer file, not only its headers and index.")
  private boolean verify;

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    if (Traces.isTraceFile(source)) {
      return trace(Path.of(source));
    }
    try (Session session = options.open()) {
      if (source.startsWith("oci:") || !Files.isRegularFile(Path.of(source))) {
        // What is absolute or starts with a dot is a file that is not there, and resolving says so.
        if (!source.startsWith("oci:") && (source.startsWith("/") || source.startsWith("."))) {
          session.plans().resolve(source);
        }
        return image(
            ImageInspector.inspect(
                session.images().load(source), session.plans(), session.opener()));
      }
      return switch (session.plans().resolve(source)) {
        case ImagePlans.Source.Configured configured ->
            image(ImageInspector.inspect(configured, session.plans(), session.opener()));
        case ImagePlans.Source.Stored stored ->
            image(ImageInspector.inspect(stored.image(), session.plans(), session.opener()));
        case ImagePlans.Source.LayerFile layer -> layer(layer.file());
      };
    }
  }

  private int layer(Path file) throws IOException {
    try (FileSource blob = FileSource.open(file)) {
      return new LayerText(spec.commandLine())
          .print(
              LayerInspector.inspect(
                  blob, verify, Terminal.ofProcess(spec.commandLine().getErr()).progress("verify")),
              json);
    }
  }

  private int image(ImageReport report) {
    return new ImageText(spec.commandLine()).print(report, json);
  }

  private record TraceDocument(String name, long fileBytes, TraceReport trace) {}

  private int trace(Path file) throws IOException {
    var document =
        new TraceDocument(file.toString(), Files.size(file), TraceReport.of(TraceFile.read(file)));
    if (json) {
      Json.print(spec.commandLine().getOut(), "trace", document);
    } else {
      new Facts(spec.commandLine().getOut())
          .add("file", document.name())
          .add("size", Facts.bytes(document.fileBytes()));
      TraceText.summary(spec.commandLine().getOut(), document.trace());
    }
    return 0;
  }
}
