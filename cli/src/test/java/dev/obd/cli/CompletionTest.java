package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompletionTest {
  @TempDir private Path dir;

  private Path script() throws IOException {
    return Files.writeString(
        dir.resolve("obd.sh"), ObdRun.in(dir.resolve("home"), "completion").expect(0).out());
  }

  private String bash(String commands) throws Exception {
    Processes.Result run =
        Processes.run(
            Duration.ofMinutes(1),
            null,
            List.of("bash", "-c", "source <(cat " + script() + "); " + commands));
    assertThat(run.exit()).as(run.errors()).isZero();
    assertThat(run.errors()).isEmpty();
    return run.text();
  }

  /** What TAB offers behind these words. */
  private List<String> offered(String... words) throws Exception {
    String array = "'" + String.join("' '", words) + "'";
    // compopt wants to be called by TAB itself.
    return bash("compopt() { :; }; COMP_WORDS=("
            + array
            + "); COMP_CWORD="
            + (words.length - 1)
            + "; COMP_LINE=\"${COMP_WORDS[*]}\"; COMP_POINT=${#COMP_LINE}"
            + "; COMP_TYPE=9; _complete_obd; printf '%s\\n' \"${COMPREPLY[@]}\"")
        .lines()
        .map(String::strip)
        .toList();
  }

  @Test
  void bashLoadsIt() throws Exception {
    Tools.requireOnPath("bash");
    assertThat(bash("complete -p obd")).startsWith("complete ").contains("obd");
  }

  @Test
  void bashCompletesCommandsAndOptions() throws Exception {
    Tools.requireOnPath("bash");
    assertThat(offered("obd", "ex")).containsExactly("export");
    assertThat(offered("obd", "layer", "c")).containsExactlyInAnyOrder("create", "commit");
    assertThat(offered("obd", "layer", "commit", "--al")).containsExactly("--algorithm");
  }

  @Test
  void zshLoadsIt() throws Exception {
    Tools.requireOnPath("zsh");
    Processes.Result run =
        Processes.run(
            Duration.ofMinutes(1),
            null,
            List.of(
                "zsh",
                "-fc",
                "autoload -U +X compinit && compinit -u -D; source "
                    + script()
                    + "; echo ${_comps[obd]}"));
    assertThat(run.text()).as(run.errors()).isNotBlank();
  }
}
