package dev.obd.tcmu.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ListenersTest {
  @TempDir private Path dir;

  /** Another process that listens until it is told otherwise. */
  static final class Other {
    private Other() {}

    public static void main(String[] args) throws IOException {
      try (Listeners _ = Listeners.join(Path.of(args[0]))) {
        System.out.println("listening");
        int _ = System.in.read();
      }
    }
  }

  private static Process other(Path file) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            Other.class.getName(),
            file.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static List<Boolean> leave(Listeners listeners) throws IOException {
    var last = new ArrayList<Boolean>();
    listeners.leave(last::add);
    return last;
  }

  @Test
  void whoLeavesLastIsToldSoAlsoAfterOthersWereKilled() throws Exception {
    Path file = dir.resolve("run/lock");
    try (Listeners listeners = Listeners.join(file)) {
      assertThat(leave(listeners)).containsExactly(true);
    }
    Process other = other(file);
    try {
      assertThat(other.inputReader().readLine()).isEqualTo("listening");
      for (int i = 0; i < 2; i++) {
        try (Listeners listeners = Listeners.join(file)) {
          assertThat(leave(listeners)).as("another process listens").containsExactly(false);
        }
      }
      try (Listeners listeners = Listeners.join(file)) {
        other.destroyForcibly().waitFor();
        assertThat(leave(listeners)).containsExactly(true);
      }
    } finally {
      other.destroyForcibly();
    }
  }
}
