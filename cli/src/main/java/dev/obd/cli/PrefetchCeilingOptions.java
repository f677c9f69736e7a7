package dev.obd.cli;

import dev.obd.backstore.source.PrefetchLimits;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Ceilings of what is fetched before anybody asks for it. */
final class PrefetchCeilingOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--prefetch-threads",
      paramLabel = "N",
      description =
          "Most requests for what nobody waits for at once (default: what the line holds).")
  private int threads;

  @Option(
      names = "--prefetch-request",
      paramLabel = "SIZE",
      converter = Sizes.Converter.class,
      description = "The largest of those requests, at least 4K (default: no ceiling).")
  private long requestBytes;

  @Option(
      names = "--prefetch-rate",
      paramLabel = "SIZE",
      converter = Sizes.Converter.class,
      description =
          "Bytes per second of all of them together, at least 64K (default: no ceiling). What"
              + " somebody waits for is not bound by this.")
  private long bytesPerSecond;

  PrefetchLimits limits() {
    try {
      return new PrefetchLimits(true, threads, requestBytes, bytesPerSecond);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }
}
