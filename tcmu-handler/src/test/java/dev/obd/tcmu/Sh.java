package dev.obd.tcmu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Processes;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Shell commands. */
final class Sh {
  private Sh() {}

  /** Runs a script to its end, which must be a good one. */
  static String ok(String script) throws IOException, InterruptedException {
    var result = run(script);
    assertThat(result.exit()).as(script + ": " + result.errors()).isZero();
    return result.text();
  }

  /** The output of a script, which must end well. */
  static byte[] bytes(String script) throws IOException, InterruptedException {
    var result = run(script);
    assertThat(result.exit()).as(script + ": " + result.errors()).isZero();
    return result.output();
  }

  static Processes.Result run(String script) throws IOException, InterruptedException {
    return Processes.run(Duration.ofSeconds(200), null, List.of("bash", "-c", script));
  }
}
