package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A served image is written to, and what was written becomes an image. */
class WritableEndToEndTest {
  private TestDisk disk;
  private TestHome home;
  private Cli cli;
  private String source;
  private String target;
  private Path upper;

  @BeforeEach
  void prepare() throws IOException, InterruptedException {
    Tools.requireOnPath("nbdcopy");
    disk = TestDisk.get();
    home = new TestHome();
    cli = new Cli(home.resolve("obd"));
    source = "oci:" + home.resolve("images") + ":v1";
    target = "oci:" + home.resolve("images") + ":v2";
    upper = home.resolve("upper");
    cli.ok("import", disk.raw().toString(), source);
  }

  @AfterEach
  void clean() throws IOException {
    if (home != null) {
      home.close();
    }
  }

  @Test
  void whatIsWrittenOverNbdIsServedAgainAndCommitted() throws Exception {
    try (ObdProcess server =
        ObdProcess.serve(cli.home(), source, "--rw", "--upper", upper.toString())) {
      Processes.run("nbdcopy", "--flush", disk.raw2().toString(), server.uri());
      Cli.Result inUse = cli.run("commit", source, target, "--upper", upper.toString());
      assertThat(inUse.status()).isEqualTo(1);
      assertThat(inUse.err()).contains("in use by another writer");
      assertThat(server.stop()).as(server.err()).isZero();
    }
    cli.ok("commit", source, target, "--upper", upper.toString(), "-m", "second version");
    for (String[] again :
        new String[][] {{source, "--rw", "--upper", upper.toString()}, {target}}) {
      String[] more = java.util.Arrays.copyOfRange(again, 1, again.length);
      try (ObdProcess server = ObdProcess.serve(cli.home(), again[0], more)) {
        TestDisk.assertSame(disk.raw2(), TestDisk.download(server.uri(), home.resolve("got.raw")));
        assertThat(server.stop()).as(server.err()).isZero();
      }
    }
  }

  @Test
  void whatIsWrittenToTheMountedFileSystemIsCommitted() throws Exception {
    PushedImages.assumeMountable(home.path());
    Path mount = home.resolve("mnt");
    try (ObdProcess server =
        ObdProcess.start(
            cli.home(),
            "serve",
            source,
            "--rw",
            "--upper",
            upper.toString(),
            "--mount",
            mount.toString())) {
      server.awaitReady();
      Processes.run(
          "sh", "-c", "cp %1$s/new-* %2$s/ && rm %2$s/d1/e1/file-1".formatted(disk.tree2(), mount));
      assertThat(server.stop()).as(server.err()).isZero();
    }
    cli.ok("commit", source, target, "--upper", upper.toString());
    try (ObdProcess server =
        ObdProcess.start(cli.home(), "serve", target, "--mount", mount.toString())) {
      server.awaitReady();
      TestDisk.assertSameTree(disk.tree2(), mount);
      assertThat(server.stop()).as(server.err()).isZero();
    }
  }

  @Test
  void whatWasFlushedSurvivesAKilledServer() throws Exception {
    ObdProcess server = ObdProcess.serve(cli.home(), source, "--rw", "--upper", upper.toString());
    Processes.run("nbdcopy", "--flush", disk.raw2().toString(), server.uri());
    server.kill();
    cli.ok("commit", source, target, "--upper", upper.toString());
    try (ObdProcess again = ObdProcess.serve(cli.home(), target)) {
      TestDisk.assertSame(disk.raw2(), TestDisk.download(again.uri(), home.resolve("got.raw")));
    }
  }
}
