package dev.obd.cli;

import dev.obd.backstore.preflight.Check;
import dev.obd.backstore.preflight.Check.Verdict;
import dev.obd.backstore.preflight.Preflight;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd doctor}. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Look whether an image can be served from here, and what would make it slow: credentials, manifest, clock, layers, ranges, speed, trace, cache. Every line says what was found, and what to do about it.",
      "Exits 1 if something does not work. Reads a few MiB and changes nothing.",
      "",
      "Example:  obd doctor registry.example/app:v1",
      "          obd doctor config.v1.json --json"
    })
final class DoctorCommand implements Callable<Integer> {
  private static final int NAME_WIDTH = 12;

  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(
      paramLabel = "SRC",
      description = "An image, an overlaybd config.v1.json or a layer file.")
  private String source;

  @Option(
      names = "--patience",
      paramLabel = "TIME",
      converter = Durations.Converter.class,
      description = "How long each check may take (default 10s).")
  private Duration patience = Duration.ofSeconds(10);

  @Option(names = "--json", description = "Print the checks as JSON.")
  private boolean json;

  /** What {@code --json} prints. */
  private record Report(String source, boolean healthy, List<Check> checks) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    List<Check> checks;
    try (Session session = options.openImpatient(patience)) {
      var preflight =
          new Preflight(
              session.preflight(options.credentials(), patience),
              check -> {
                if (!json) {
                  print(out, check);
                }
              });
      checks = preflight.run(source);
    }
    boolean healthy = checks.stream().noneMatch(check -> check.verdict() == Verdict.FAILED);
    if (json) {
      Json.print(out, "doctor", new Report(source, healthy, checks));
    }
    return healthy ? 0 : 1;
  }

  private static void print(PrintWriter out, Check check) {
    String mark =
        switch (check.verdict()) {
          case OK -> "ok    ";
          case WARNING -> "warn  ";
          case FAILED -> "FAIL  ";
        };
    String name = check.name() + " ".repeat(Math.max(1, NAME_WIDTH - check.name().length()));
    out.println(
        mark
            + name
            + check.finding()
            + String.format(Locale.ROOT, " (%.0f ms)", check.seconds() * 1000));
    if (!check.advice().isEmpty()) {
      out.println(" ".repeat(mark.length() + NAME_WIDTH) + "→ " + check.advice());
    }
    out.flush();
  }
}
