package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.backstore.build.RawExport;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.registry.Progress;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ImportCommandTest {
  @TempDir private Path dir;
  private TestDisk disk;
  private Cli cli;

  @BeforeEach
  void prepare() throws IOException, InterruptedException {
    disk = TestDisk.get();
    cli = new Cli(dir.resolve("home"));
  }

  private String image(String tag) {
    return "oci:" + dir.resolve("images") + ":" + tag;
  }

  private Path export(String image) throws IOException {
    Path to = Files.createTempFile(dir, "export", ".raw");
    SessionOptions options = new SessionOptions();
    CommandLine.populateCommand(options);
    System.setProperty("obd.home", dir.resolve("home").toString());
    try (Session session = options.open();
        ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
        Image opened =
            session.opener().open(session.plans().resolve(image).plan(), OpenOptions.DEFAULTS)) {
      RawExport.toFile(opened, to, executor, Progress.NONE);
    } finally {
      System.clearProperty("obd.home");
    }
    return to;
  }

  @Test
  void theImageHoldsTheDiskAndTheResultSaysWhatWasMade() throws IOException {
    Cli.Result result = cli.ok("import", disk.raw().toString(), image("v1"), "--json");
    TestDisk.assertSame(disk.raw(), export(image("v1")));
    JsonObject made = result.json();
    assertThat(made.get("name").getAsString()).isEqualTo(image("v1"));
    assertThat(made.get("digest").getAsString()).matches("sha256:[0-9a-f]{64}");
    assertThat(made.get("layerBytes").getAsLong()).isBetween(1L << 20, TestDisk.SIZE / 2);
    assertThat(made.get("layers").getAsInt()).isEqualTo(1);
    assertThat(Files.list(dir.resolve("home/tmp")).filter(f -> !f.endsWith(".gate"))).isEmpty();
  }

  @Test
  void wrongUsageIsAFewLinesThatEndWithWhereToLook() {
    Cli.Result missing = cli.run("import", disk.raw().toString());
    assertThat(missing.status()).isEqualTo(2);
    assertThat(missing.out()).isEmpty();
    assertThat(missing.err().lines())
        .containsExactly(
            "obd: Missing required parameter: 'DST'",
            "Try 'obd import --help' for what is expected.");
    Cli.Result typo = cli.run("imprt", "a", "b");
    assertThat(typo.status()).isEqualTo(2);
    assertThat(typo.err()).contains("Did you mean: obd import").contains("Try 'obd --help'");
  }

  @Test
  void aDirectoryInsteadOfADiskIsNamed() {
    Cli.Result result = cli.run("import", dir.toString(), image("v1"));
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).contains(dir + ": is a directory; expected a disk");
  }

  @Test
  void onABaseOnlyWhatDiffersIsStored() throws IOException {
    cli.ok("import", disk.raw().toString(), image("v1"));
    JsonObject made =
        cli.ok("import", disk.raw2().toString(), image("v2"), "--base", image("v1"), "--json")
            .json();
    TestDisk.assertSame(disk.raw2(), export(image("v2")));
    assertThat(made.get("layers").getAsInt()).isEqualTo(2);
    assertThat(made.get("layerBytes").getAsLong()).isLessThan(700_000);
  }

  @Test
  void theSameDiskIsTheSameImageHoweverManyThreadsPackIt() throws IOException {
    Cli.Result one = cli.ok("import", disk.raw().toString(), image("a"), "--threads", "1");
    Cli.Result four = cli.ok("import", disk.raw().toString(), image("b"), "--threads", "4");
    assertThat(digest(four)).isEqualTo(digest(one));
    assertThat(one.out()).contains("name    " + image("a")).contains("layers  1");
  }

  private static String digest(Cli.Result result) {
    return result.out().lines().filter(l -> l.startsWith("digest")).findFirst().orElseThrow();
  }

  @Test
  void zstdInLargerBlocksIsSmaller() throws IOException {
    JsonObject lz4 = cli.ok("import", disk.raw().toString(), image("a"), "--json").json();
    JsonObject zstd =
        cli.ok(
                "import",
                disk.raw().toString(),
                image("z"),
                "--json",
                "--algorithm",
                "zstd",
                "--block-size",
                "32K")
            .json();
    assertThat(zstd.get("layerBytes").getAsLong()).isLessThan(lz4.get("layerBytes").getAsLong());
    TestDisk.assertSame(disk.raw(), export(image("z")));
  }

  @Test
  void aQcow2OverALocalBackingFileIsReadThroughIt() throws IOException, InterruptedException {
    Tools.requireOnPath("qemu-img");
    TestDisk.copy(disk.raw2(), dir.resolve("below.raw"));
    Path qcow2 = dir.resolve("disk.qcow2");
    Processes.run(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-b",
        "below.raw",
        "-F",
        "raw",
        qcow2.toString());
    cli.ok("import", qcow2.toString(), image("q"));
    TestDisk.assertSame(disk.raw2(), export(image("q")));
  }

  @Test
  void aQcow2MayNotReachOutOfItsDirectory() throws IOException, InterruptedException {
    Tools.requireOnPath("qemu-img");
    Path qcow2 = dir.resolve("disk.qcow2");
    Processes.run(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-b",
        disk.raw().toString(),
        "-F",
        "raw",
        qcow2.toString());
    Cli.Result result = cli.run("import", qcow2.toString(), image("q"));
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).contains("only a relative path is allowed");
  }

  @Test
  void aLargerAndASmallerDiskThanTheBaseKeepTheirSizes() throws IOException {
    cli.ok("import", disk.raw().toString(), image("v1"));
    Path smaller = TestDisk.copy(disk.raw(), dir.resolve("smaller.raw"));
    resize(smaller, 9 << 20);
    Cli.Result cut = cli.ok("import", smaller.toString(), image("smaller"), "--base", image("v1"));
    assertThat(cut.err()).contains("is smaller than").contains("cut off");
    TestDisk.assertSame(smaller, export(image("smaller")));

    Path larger = TestDisk.copy(smaller, dir.resolve("larger.raw"));
    resize(larger, 30 << 20);
    cli.ok("import", larger.toString(), image("larger"), "--base", image("smaller"));
    TestDisk.assertSame(larger, export(image("larger")));
  }

  private static void resize(Path file, long size) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(size);
      if (channel.size() < size) {
        channel.write(java.nio.ByteBuffer.allocate(1), size - 1);
      }
    }
  }

  @Test
  void wrongUseIsToldFromFailure() {
    String raw = disk.raw().toString();
    assertThat(cli.run("import", raw).status()).isEqualTo(2);
    assertThat(cli.run("import", raw, "No/Such Name").status()).isEqualTo(2);
    assertThat(cli.run("import", raw, image("x"), "--block-size", "5K").status()).isEqualTo(2);
    assertThat(cli.run("import", raw, image("x"), "--threads", "0").status()).isEqualTo(2);
    Cli.Result missing = cli.run("import", "/no/such/disk", image("x"));
    assertThat(missing.status()).isEqualTo(1);
    assertThat(missing.err()).isEqualTo("obd: /no/such/disk: no such file or directory\n");
    Cli.Result base = cli.run("import", raw, image("x"), "--base", image("none"));
    assertThat(base.status()).isEqualTo(1);
    assertThat(base.err()).contains("no image none");
    assertThat(Files.exists(dir.resolve("images"))).isFalse();
  }
}
