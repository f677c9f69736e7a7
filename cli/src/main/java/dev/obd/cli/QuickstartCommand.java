package dev.obd.cli;

import dev.obd.backstore.build.Trees;
import dev.obd.backstore.config.Home;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code obd quickstart}. */
@Command(
    name = "quickstart",
    mixinStandardHelpOptions = true,
    description = {
      "Show on this machine what obd does; no server, no kernel module, no root needed.",
      "Makes a real ext4 disk of the Java runtime, two layers of it in an OCI layout, and starts one program four times over a simulated link:"
          + " cold, while recording, cold with replay, and warm. Takes one to two minutes and about 1.5 GB under OBD_HOME, removed at the end.",
      "",
      "Slower link:  obd quickstart --bandwidth 25M --rtt 60ms"
    })
final class QuickstartCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--rtt",
      paramLabel = "TIME",
      converter = Durations.Converter.class,
      description = "Round trip of the simulated link (default 20ms).")
  private Duration rtt = Duration.ofMillis(20);

  @Option(
      names = "--bandwidth",
      paramLabel = "BITS",
      converter = BitsPerSecond.class,
      description =
          "Bits per second of the simulated link, K, M and G in powers of 1000; 0 = without limit (default 100M).")
  private Long bandwidth = 100_000_000L;

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Work there instead of under OBD_HOME; must not exist.")
  private @Nullable Path dir;

  @Option(names = "--keep", description = "Keep the images and caches that were made.")
  private boolean keep;

  @Option(
      names = "--no-mount",
      description = "Read over NBD even where the image could be mounted.")
  private boolean noMount;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    Path work =
        dir != null
            ? dir.toAbsolutePath()
            : Home.ofProcess().root().resolve("quickstart-" + ProcessHandle.current().pid());
    Files.createDirectories(work.getParent() == null ? work : work.getParent());
    Files.createDirectory(work);
    Quickstart.Result result;
    try (Interrupt interrupt = new Interrupt()) {
      Thread worker = Thread.currentThread();
      // Ctrl-C interrupts the work, which then takes its mounts and files away like after any
      // failure.
      Thread watcher =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  interrupt.await();
                  worker.interrupt();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
      try {
        result =
            new Quickstart(
                    work,
                    rtt,
                    bandwidth / 8,
                    line -> {
                      err.println(line);
                      err.flush();
                    })
                .run(!noMount);
      } catch (IOException | InterruptedException e) {
        if (!interrupt.asked()) {
          throw e;
        }
        err.println("obd: quickstart stopped");
        return 1;
      } finally {
        watcher.interrupt();
        if (!keep) {
          clean(work);
        }
      }
    }
    if (json) {
      Json.print(out, result);
    } else {
      print(out, result);
    }
    if (keep) {
      err.println(
          "Kept in " + work + ": try  obd inspect oci:" + work.resolve("images") + ":app-traced");
    }
    return 0;
  }

  private static void clean(Path work) {
    try {
      Trees.delete(work);
    } catch (IOException e) {
      System.err.println("obd: could not remove " + work + ": " + e.getMessage());
    }
  }

  private void print(PrintWriter out, Quickstart.Result result) {
    out.println();
    out.printf(
        Locale.ROOT,
        "A disk of %s, %s as an image; link of %s Mbit/s and %s round trip; trace of %d records.%n%n",
        Sizes.show(result.diskBytes()),
        Sizes.show(result.imageBytes()),
        bandwidth == 0 ? "unlimited" : String.format(Locale.ROOT, "%.0f", bandwidth / 1e6),
        Durations.show(rtt),
        result.records());
    out.printf(
        Locale.ROOT,
        "  %-18s %10s %10s %12s %12s%n",
        "start",
        "time",
        "requests",
        "fetched",
        "wasted");
    for (Phase phase : result.phases()) {
      out.printf(
          Locale.ROOT,
          "  %-18s %10s %10d %12s %12s%n",
          phase.name(),
          Durations.show(Duration.ofMillis(phase.millis())),
          phase.requests(),
          Sizes.show(phase.bytes()),
          Sizes.show(phase.wasted()));
    }
    out.println();
    out.println(
        "cold              every read of the program that misses the cache waits for a round trip");
    out.println(
        "recording         the same start again, cached by now; obd notes which ranges of which layer are read");
    out.println(
        "cold with replay  an empty cache elsewhere; the trace in the image's top layer is fetched ahead, in few requests");
    out.println("warm              the image again, everything it reads is on local disk");
    out.println("requests, fetched what went over the link; wasted: fetched ahead and never read");
    out.println();
    out.printf(Locale.ROOT, "Replay made the cold start %.1f times faster.%n", result.ratio());
  }

  /** Network people count in powers of 1000. */
  static final class BitsPerSecond implements picocli.CommandLine.ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      var m =
          java.util.regex.Pattern.compile(
                  "(\\d{1,12})([KMG]?)(bit)?", java.util.regex.Pattern.CASE_INSENSITIVE)
              .matcher(text.trim());
      if (!m.matches()) {
        throw new picocli.CommandLine.TypeConversionException(
            "expected bits per second such as 25M or 1G, got '" + text + "'");
      }
      long factor =
          switch (m.group(2).toUpperCase(Locale.ROOT)) {
            case "K" -> 1_000L;
            case "M" -> 1_000_000L;
            case "G" -> 1_000_000_000L;
            default -> 1L;
          };
      return Math.multiplyExact(Long.parseLong(m.group(1)), factor);
    }
  }
}
