package dev.obd.cli.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.config.ServiceConfig;
import dev.obd.testdata.Processes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.logging.log4j.LogManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** In a process of its own: where it logs is one thing per process. */
@Timeout(120)
class DaemonLogTest {
  @TempDir private Path directory;

  /** Logs many lines, of several levels. */
  public static final class Probe {
    private Probe() {}

    public static void main(String[] args) {
      Path to = Path.of(args[0]);
      DaemonLog log =
          DaemonLog.start(
              new ServiceConfig.Log(
                  ServiceConfig.Level.WARN, Optional.of(to.resolve("d/obd.log")), 10_000, 3),
              new ServiceConfig.Audit(true, to.resolve("audit.log")));
      var logger = LogManager.getLogger(Probe.class);
      logger.info("never seen");
      log.set("info");
      for (int i = 0; i < 400; i++) {
        logger.info("line number={} {}", i, "x".repeat(100));
      }
      log.audit().orElseThrow().accept("th=0|download[size=1]");
      logger.warn("with a reason", new java.io.IOException("because"));
      log.stop();
    }
  }

  private Processes.Result run(String to) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            Probe.class.getName(),
            to));
    return Processes.run(Duration.ofSeconds(60), null, command);
  }

  @Test
  void filesAreRotatedAndTheLevelChangesAtOnce() throws Exception {
    Processes.Result run = run(directory.toString());
    assertThat(run.exit()).as(run.errors()).isZero();
    Path logs = directory.resolve("d");
    try (Stream<Path> files = Files.list(logs)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("obd.log", "obd.log.1", "obd.log.2");
    }
    String newest = Files.readString(logs.resolve("obd.log"));
    String older = Files.readString(logs.resolve("obd.log.1"));
    assertThat(newest).contains("because").doesNotContain("never seen");
    assertThat(older.lines().findFirst().orElseThrow())
        .matches("\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{6}\\|INFO \\|th=\\d+\\|.*");
    assertThat(number(newest)).isGreaterThan(number(older));
    assertThat(Files.size(logs.resolve("obd.log.2"))).isBetween(9_000L, 11_000L);
    assertThat(Files.readString(directory.resolve("audit.log")))
        .matches(
            "\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{6}\\|AUDIT\\|th=0\\|download\\[size=1]\\n");
    assertThat(run.text()).isEmpty();
    assertThat(run.errors()).isEmpty();
  }

  private static int number(String text) {
    return Integer.parseInt(text.replaceFirst("(?s)^.*?number=(\\d+).*$", "$1"));
  }

  @Test
  void whatCannotBeWrittenToGoesToStandardError() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "");
    Processes.Result run = run(file.toString());
    assertThat(run.errors()).contains("log.file.unusable").contains("line number=399");
  }
}
