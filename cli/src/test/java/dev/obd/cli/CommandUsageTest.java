package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Processes;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the commands do when they are used wrongly, stopped, or out of space. */
class CommandUsageTest {
  @TempDir private Path dir;

  private Path data;
  private Path index;
  private Path layer;

  @BeforeEach
  void layers() throws IOException {
    Path vector = GoldenDisks.copy("a2-rw-16m", dir);
    data = vector.resolve("rw.data");
    index = vector.resolve("rw.index");
    layer = GoldenDisks.file("c1-z-lz4-4k/layer.obd");
    Files.createDirectory(dir.resolve("home"));
  }

  private Cli.Result obd(Object... args) {
    return ObdRun.in(dir.resolve("home"), args);
  }

  private List<String> names(Path directory) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "layer",
        "trace",
        "layer create",
        "layer create --size 1Q D I",
        "layer create --size 513 D I",
        "layer create --size 99999999T D I",
        "layer create --uuid 1-2-3-4-5 D I",
        "layer commit",
        "layer commit D I",
        "layer commit --sealed D I O",
        "layer commit --algorithm zstd D I O",
        "layer commit --block-size 8K D I O",
        "layer commit --threads 2 D I O",
        "layer commit -z --algorithm lzo D I O",
        "layer commit -z --block-size 5000 D I O",
        "layer commit -z --block-size 128K D I O",
        "layer commit -z --threads 0 D I O",
        "layer commit --no-such-option D I O",
        "layer seal D",
        "layer merge O",
        "layer merge --threads 2 D O",
        "layer zfile",
        "layer zfile D",
        "layer zfile --verify D O",
        "layer zfile --extract --verify D O",
        "layer zfile --extract --block-size 8K D O",
        "layer zfile --extract -t D O",
        "layer zfile --extract - O",
        "layer info",
        "inspect",
        "inspect NoSuchImage",
        "inspect oci:",
        "export",
        "export Bad:Name: -o O",
        "trace show",
        "log-level silly"
      })
  void wrongUsageEndsWithTwoAndMakesNothing(String words) throws IOException {
    Cli.Result run =
        obd(
            Stream.of(words.split(" "))
                .map(w -> w.matches("[DIO]") ? dir.resolve("new-" + w).toString() : w)
                .toArray());
    assertThat(run.status()).as(run.err()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).isNotBlank().doesNotContain("\tat ");
    assertThat(names(dir)).noneMatch(name -> name.contains("new-"));
  }

  @Test
  void aTextThatIsTooLongIsWrongUsage() {
    assertThat(
            obd("layer", "commit", "-m", "é".repeat(129), data, index, dir.resolve("o")).status())
        .isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "layer commit D I O",
        "layer commit -z -t D I O",
        "layer commit --sealed L O",
        "layer merge L O",
        "layer zfile L O",
        "layer zfile --extract L O"
      })
  void aFileThatIsThereStaysUnlessForced(String words) throws IOException {
    Path out = Files.writeString(dir.resolve("precious"), "precious");
    Object[] args =
        Stream.of(words.split(" "))
            .map(w ->
                switch (w) {
                  case "D" -> data;
                  case "I" -> index;
                  case "L" -> layer;
                  case "O" -> out;
                  default -> w;
                })
            .toArray();
    Cli.Result refused = obd(args).expect(1);
    assertThat(refused.err()).contains(out + ": exists already");
    assertThat(out).hasContent("precious");
    assertThat(names(dir)).containsExactly("a2-rw-16m", "home", "precious");
    obd(Stream.concat(Stream.of(args), Stream.of("--force")).toArray()).expect(0);
    assertThat(Files.size(out)).isGreaterThan(8);
    assertThat(names(dir)).containsExactly("a2-rw-16m", "home", "precious");
  }

  @Test
  void neitherFileOfANewLayerMayBeThere() throws IOException {
    for (String there : List.of("data", "index")) {
      Path file = Files.writeString(dir.resolve(there), "precious");
      Cli.Result run =
          obd("layer", "create", "--size", "1M", dir.resolve("data"), dir.resolve("index"))
              .expect(1);
      assertThat(run.err()).contains(file + ": exists already");
      assertThat(names(dir)).containsExactlyInAnyOrder("a2-rw-16m", there, "home");
      Files.delete(file);
    }
  }

  @Test
  void theInputIsNoOutput() throws IOException {
    byte[] before = Files.readAllBytes(data);
    assertThat(obd("layer", "commit", "-f", data, index, data).expect(1).err())
        .contains("cannot be the output too");
    assertThat(obd("layer", "zfile", "-f", data, data).expect(1).err())
        .contains("cannot be the output too");
    assertThat(Files.readAllBytes(data)).isEqualTo(before);
  }

  @Test
  void sixtyFourKibibytesAreWarnedOf() {
    assertThat(
            obd("layer", "commit", "-z", "--block-size", "64K", data, index, dir.resolve("o"))
                .expect(0)
                .err())
        .contains("warning: overlaybd cannot read a block of 64K");
  }

  @Test
  void whatIsMissingIsNamed() {
    assertThat(obd("layer", "info", dir.resolve("no.obd")).expect(1).err())
        .isEqualTo("obd: " + dir.resolve("no.obd") + ": no such file or directory\n");
    assertThat(obd("layer", "commit", data, index, dir.resolve("no/out")).expect(1).err())
        .isEqualTo("obd: " + dir.resolve("no") + ": no such file or directory\n");
    assertThat(obd("inspect", "./no.json").expect(1).err()).contains("no such file");
    assertThat(obd("export", "./no.json", "-o", dir.resolve("o")).expect(1).err())
        .contains("no such file");
    assertThat(obd("layer", "info", index.getParent().resolve("ops.txt")).expect(1).err())
        .contains("neither ZFile nor LSMT");
    assertThat(obd("layer", "zfile", "--verify", data).expect(1).err()).contains("magic0");
    assertThat(obd("layer", "zfile", "--extract", data, dir.resolve("o")).expect(1).err())
        .contains("magic0");
    assertThat(dir.resolve("o")).doesNotExist();
  }

  // ---- no space

  @Test
  void aFullDiskLeavesNothing() throws Exception {
    Path mount = Files.createDirectory(dir.resolve("small"));
    Processes.Result mounted =
        Processes.run(
            Duration.ofMinutes(1),
            null,
            List.of("mount", "-t", "tmpfs", "-o", "size=32k", "obd-test", mount.toString()));
    Assumptions.assumeTrue(mounted.exit() == 0, "mounting needs root: " + mounted.errors());
    try {
      Path out = mount.resolve("out");
      List<Object[]> commands =
          List.of(
              new Object[] {"layer", "commit", data, index, out},
              new Object[] {"layer", "commit", "-z", "-t", "--threads", 2, data, index, out},
              new Object[] {"layer", "commit", "--sealed", layer, out},
              new Object[] {"layer", "merge", layer, out},
              new Object[] {
                "layer", "merge", "-z", GoldenDisks.file("e1-stack4/config.v1.json"), out
              },
              new Object[] {"layer", "zfile", GoldenDisks.file("b2-commit-plain/layer.obd"), out},
              new Object[] {"layer", "zfile", "--extract", layer, out},
              new Object[] {"export", layer, "-o", out});
      for (Object[] command : commands) {
        Cli.Result run = obd(command);
        assertThat(run.status()).as(String.join(" ", run.err())).isEqualTo(1);
        assertThat(run.err()).contains("No space left on device").doesNotContain("\tat ");
        assertThat(names(mount)).isEmpty();
      }
    } finally {
      Processes.run("umount", mount.toString());
    }
  }

  // ---- stopped

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  @Timeout(120)
  void aSignalInTheMiddleLeavesNothing(String signal) throws Exception {
    Path work = Files.createDirectory(dir.resolve("work"));
    Path out = work.resolve("out");
    Process process =
        ObdRun.start(dir.resolve("home"), dir.resolve("log").toFile(), "layer", "zfile", "-", out);
    try {
      OutputStream input = process.getOutputStream();
      input.write(new byte[4 << 20]);
      input.flush();
      // Its input stays open, so it cannot end by itself.
      while (names(work).isEmpty()) {
        assertThat(process.isAlive()).as(Files.readString(dir.resolve("log"))).isTrue();
        Thread.sleep(20);
      }
      Processes.run("kill", "-" + signal, Long.toString(process.pid()));
      assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
      assertThat(process.exitValue()).isEqualTo(signal.equals("INT") ? 130 : 143);
      assertThat(names(work)).isEmpty();
    } finally {
      Processes.kill(process);
    }
  }

  @Test
  @Timeout(120)
  void aKilledProcessLeavesNothingUnderTheName() throws Exception {
    Path work = Files.createDirectory(dir.resolve("work"));
    Path out = work.resolve("out");
    Process process =
        ObdRun.start(dir.resolve("home"), dir.resolve("log").toFile(), "layer", "zfile", "-", out);
    try {
      OutputStream input = process.getOutputStream();
      input.write(new byte[4 << 20]);
      input.flush();
      while (names(work).isEmpty()) {
        assertThat(process.isAlive()).as(Files.readString(dir.resolve("log"))).isTrue();
        Thread.sleep(20);
      }
      process.destroyForcibly();
      process.waitFor();
      assertThat(out).doesNotExist();
      obd("layer", "zfile", data, out).expect(0);
      obd("layer", "zfile", "--verify", out).expect(0);
    } finally {
      Processes.kill(process);
    }
  }

  @Test
  @Timeout(120)
  void standardInputIsCompressedAsItComes() throws Exception {
    Path out = dir.resolve("out");
    Process process =
        ObdRun.start(dir.resolve("home"), dir.resolve("log").toFile(), "layer", "zfile", "-", out);
    try (OutputStream input = process.getOutputStream()) {
      Files.copy(data, input);
    }
    assertThat(process.waitFor()).as(Files.readString(dir.resolve("log"))).isZero();
    Path same = dir.resolve("same");
    obd("layer", "zfile", data, same).expect(0);
    assertThat(out).hasSameBinaryContentAs(same);
  }
}
