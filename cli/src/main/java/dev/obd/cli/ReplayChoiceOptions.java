package dev.obd.cli;

import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.TraceChoice;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Which of what is recorded of an image is replayed, and how much of it. */
final class ReplayChoiceOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(names = "--no-replay", description = "Leave the image's trace alone; as --trace none.")
  private boolean noReplay;

  @Option(
      names = "--trace",
      paramLabel = "NAME|none",
      description =
          "Replay only the runs of this name ('obd record --run-name'; 'obd trace show' lists them), or nothing (default: all that is recorded).")
  private @Nullable String trace;

  @Option(
      names = "--trace-file",
      paramLabel = "FILE",
      description = "Replay this file, a trace or runs, in place of what the image brings along.")
  private @Nullable Path traceFile;

  @Option(
      names = "--prefetch-budget",
      paramLabel = "SIZE|TIME",
      converter = Budget.class,
      description =
          "Replay at most so much: 64M, or what comes in 10s over 100 Mbit/s. What saves the most waiting for its bytes goes first: what many runs read, and what comes in many small pieces (default: everything).")
  private PrefetchBudget budget = new PrefetchBudget.Unlimited();

  /** A size, or a time with its unit. */
  static final class Budget implements ITypeConverter<PrefetchBudget> {
    @Override
    public PrefetchBudget convert(String text) {
      try {
        return text.matches("[\\d.]+\\s*(ms|s|m|h)")
            ? new PrefetchBudget.Time(Durations.parse(text))
            : new PrefetchBudget.Bytes(Sizes.parse(text));
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(String.valueOf(e.getMessage()));
      }
    }
  }

  PrefetchBudget budget() {
    return budget;
  }

  /**
   * The choice.
   *
   * @throws ParameterException if two were made
   */
  TraceChoice choice() {
    if ((noReplay ? 1 : 0) + (trace == null ? 0 : 1) + (traceFile == null ? 0 : 1) > 1) {
      throw new ParameterException(
          spec.commandLine(), "--no-replay, --trace and --trace-file: only one of them");
    }
    if (traceFile != null) {
      return new TraceChoice.File(traceFile.toAbsolutePath().normalize());
    }
    if (trace == null) {
      return noReplay ? new TraceChoice.None() : new TraceChoice.All();
    }
    return trace.equals("none") ? new TraceChoice.None() : new TraceChoice.Named(trace);
  }
}
