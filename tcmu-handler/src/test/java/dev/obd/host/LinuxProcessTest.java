package dev.obd.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** In a process of its own: what it asks for cannot be given back. */
@Timeout(60)
class LinuxProcessTest {
  /** Says what is missing, and what the kernel says of the process. */
  public static final class Probe {
    private Probe() {}

    public static void main(String[] args) throws Exception {
      System.out.println("missing " + new LinuxProcess().prepare());
      Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmLck") || line.startsWith("THP_enabled"))
          .forEach(System.out::println);
      System.out.println("score " + Files.readString(Path.of("/proc/self/oom_score_adj")).strip());
      byte[][] memory = new byte[20][];
      for (int i = 0; i < memory.length; i++) {
        memory[i] = new byte[1 << 20];
      }
      System.out.println("allocated " + memory.length);
    }
  }

  @Test
  void theProcessLivesOnWithOrWithoutWhatItAskedFor() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Djnr.ffi.x86asm.enabled=false",
                "-Xmx128m",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Probe.class.getName())
            .redirectErrorStream(true)
            .start();
    List<String> said = new String(process.getInputStream().readAllBytes()).lines().toList();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(String.join("\n", said)).isZero();
    assertThat(said).contains("allocated 20");
    String missing =
        said.stream().filter(line -> line.startsWith("missing ")).findFirst().orElseThrow();
    if (!missing.contains("memory is not locked")) {
      assertThat(said).noneMatch(line -> line.matches("VmLck:\\s+0 kB"));
    }
    if (!missing.contains("memory runs out")) {
      assertThat(said).contains("score -999");
    }
  }
}
