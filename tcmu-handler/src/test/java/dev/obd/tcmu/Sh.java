package dev.obd.tcmu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Processes;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Shell commands. */
final class Sh {
  private static final String CORE = "/sys/kernel/config/target/core";

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

  /** Everything under configfs and uio that devices leave. */
  static List<String> devicesLeft() throws IOException, InterruptedException {
    String list =
        ok(
            "ls -d "
                + CORE
                + "/user_999999998 "
                + CORE
                + "/user_*/* /sys/kernel/config/target/loopback/naa.* /dev/uio* 2>/dev/null"
                + " | grep -v hba_; true");
    return list.lines().filter(l -> !l.endsWith("hba_info") && !l.endsWith("hba_mode")).toList();
  }

  /** What fio, dd and cmp see with direct I/O. */
  static byte[] readDisk(String node) throws Exception {
    return bytes("dd if=" + node + " bs=64k iflag=direct status=none");
  }

  static Processes.Result run(String script) throws IOException, InterruptedException {
    return Processes.run(Duration.ofSeconds(200), null, List.of("bash", "-c", script));
  }
}
