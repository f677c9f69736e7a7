package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CarryCommandTest {
  private static final int FILES = 40;

  @TempDir private Path directory;

  private Path disk(String name, Path tree) throws Exception {
    Path raw = directory.resolve(name);
    Processes.run(
        "mke2fs",
        "-q",
        "-F",
        "-t",
        "ext4",
        "-b",
        "4096",
        "-d",
        tree.toString(),
        raw.toString(),
        "32M");
    return raw;
  }

  private static void fill(Path file, SplittableRandom random) throws Exception {
    byte[] content = new byte[random.nextInt(1, 100_000)];
    random.nextBytes(content);
    Files.write(file, content);
  }

  @Test
  void aRebuildGetsTheTraceOfTheImageBeforeIt() throws Exception {
    Tools.requireOnPath("mke2fs", "nbdcopy");
    Path tree = Files.createDirectories(directory.resolve("tree/lib")).getParent();
    var random = new SplittableRandom(1);
    for (int i = 0; i < FILES; i++) {
      fill(tree.resolve("lib/f" + i), random);
    }
    Path before = disk("before", tree);
    for (int i = 0; i < FILES; i += 10) {
      fill(tree.resolve("lib/f" + i), random);
      fill(tree.resolve("a" + i), random);
    }
    Files.delete(tree.resolve("lib/f5"));
    Path after = disk("after", tree);

    Cli cli = new Cli(directory.resolve("home"));
    String images = "oci:" + directory.resolve("images") + ":";
    cli.ok("import", before.toString(), images + "v1");
    cli.ok("import", after.toString(), images + "v2");
    assertThat(cli.run("trace", "carry", images + "v1", images + "v2").expect(1).err())
        .contains(images + "v1: has no trace that could be carried");
    cli.ok(
        "record",
        "--time",
        "60s",
        "--run-name",
        "app",
        images + "v1",
        images + "v1t",
        "--",
        "sh",
        "-c",
        "nbdcopy \"$OBD_NBD\" null:");

    assertThat(
            cli.run("trace", "carry", "--least", "100", images + "v1t", images + "v2", images + "x")
                .expect(1)
                .err())
        .contains("can be carried, which is less than --least 100");
    assertThat(cli.run("inspect", images + "x").status()).isNotZero();

    Path other = Files.createDirectories(directory.resolve("other"));
    fill(other.resolve("unlike"), random);
    cli.ok("import", disk("unlike", other).toString(), images + "unlike");
    assertThat(
            cli.run("trace", "carry", images + "v1t", images + "unlike", images + "x")
                .expect(1)
                .err())
        .contains(
            images + "unlike: nothing that " + images + "v1t reads is in it; nothing was made");
    assertThat(cli.run("inspect", images + "x").status()).isNotZero();

    JsonObject made =
        cli.ok("trace", "carry", "--json", images + "v1t", images + "v2", images + "v2t").json();
    long all = made.get("recordedBytes").getAsLong();
    long lost = made.get("lostBytes").getAsLong();
    assertThat(made.get("sameBytes").getAsLong()).isGreaterThan(all / 2);
    assertThat(made.get("changedBytes").getAsLong()).isPositive();
    assertThat(lost).isPositive().isLessThan(all / 4);
    assertThat(
            made.get("sameBytes").getAsLong()
                + made.get("changedBytes").getAsLong()
                + made.get("metadataBytes").getAsLong()
                + lost)
        .isEqualTo(all);
    assertThat(made.get("runs").getAsInt()).isEqualTo(1);
    assertThat(cli.ok("trace", "show", images + "v2t").out()).contains("app");
    Path out = directory.resolve("out.raw");
    cli.ok("export", images + "v2t", "-o", out.toString());
    assertThat(Files.mismatch(out, after)).isEqualTo(-1);

    assertThat(cli.run("trace", "carry", images + "v1t", images + "v2t").expect(1).err())
        .contains("has a trace layer already");
    cli.ok("trace", "carry", "--replace", images + "v1t", images + "v2t");
  }
}
