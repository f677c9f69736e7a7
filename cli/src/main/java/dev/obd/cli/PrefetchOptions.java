package dev.obd.cli;

import dev.obd.backstore.config.PrefetchConfig;
import dev.obd.trace.FileList;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What is to be prefetched besides what the image says, for commands that make devices. */
final class PrefetchOptions {
  private static final String STANDARD_INPUT = "-";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--prefetch-files",
      paramLabel = "PATH",
      arity = "1..*",
      description =
          "Files and directories of the image to fetch ahead, after what its trace and hints say; directories with all below. Absolute paths; - reads them from standard input, one a line.")
  private List<String> files = List.of();

  @Option(
      names = "--prefetch-wait",
      paramLabel = "TIME",
      converter = Durations.Converter.class,
      description =
          "Announce the device when all that is fetched ahead is here, or after this time (default: at once).")
  private Duration wait = Duration.ZERO;

  /** True if something is listed. */
  boolean lists() {
    return !files.isEmpty();
  }

  /** What was asked for; reads standard input if that is part of it. */
  PrefetchConfig config() throws IOException {
    List<String> paths = new ArrayList<>();
    for (String file : files) {
      if (file.equals(STANDARD_INPUT)) {
        paths.addAll(lines(System.in));
      } else {
        paths.add(file);
      }
    }
    try {
      return new PrefetchConfig(FileList.of(paths), wait);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  /** Lines that say something, as far as a list may go and a little further. */
  static List<String> lines(InputStream in) throws IOException {
    byte[] text = in.readNBytes(4 * FileList.MAX_LISTED);
    return new String(text, StandardCharsets.UTF_8).lines().filter(l -> !l.isBlank()).toList();
  }
}
