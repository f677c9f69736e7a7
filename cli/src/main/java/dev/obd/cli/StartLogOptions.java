package dev.obd.cli;

import dev.obd.backstore.startlog.StartLogging.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Whether what happens while an image is used is logged for {@code obd trace explain}. */
final class StartLogOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--start-log",
      paramLabel = "FILE",
      description =
          "Write there what was read and fetched, and when, for 'obd trace explain FILE'.")
  private @Nullable Path file;

  @Option(
      names = "--start-log-time",
      paramLabel = "TIME",
      converter = Durations.Converter.class,
      description = "How long to log (default: until the device is gone).")
  private @Nullable Duration time;

  /** Where to, if it is wanted; the path is absolute. */
  Optional<Target> target() {
    if (time != null && file == null) {
      throw new ParameterException(spec.commandLine(), "--start-log-time needs --start-log");
    }
    return Optional.ofNullable(file)
        .map(path -> new Target(path.toAbsolutePath().normalize(), Optional.ofNullable(time)));
  }
}
