package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** From a disk to a mounted file system on another machine, through a real registry. */
class ServeEndToEndTest {
  private static PushedImages images;

  @BeforeAll
  static void push() throws IOException, InterruptedException {
    images = PushedImages.make();
  }

  @AfterAll
  static void stop() throws IOException {
    if (images != null) {
      images.close();
    }
  }

  @Test
  void aPulledImageMountedElsewhereHoldsTheSourceTree() throws Exception {
    PushedImages.assumeMountable(images.home.path());
    Path home = images.machine("mounting");
    new Cli(home).ok("pull", images.v2());
    Path mount = images.home.resolve("mnt");
    try (ObdProcess server =
        ObdProcess.start(home, "serve", images.v2(), "--mount", mount.toString())) {
      server.awaitReady();
      TestDisk.assertSameTree(images.disk.tree2(), mount);
      assertThat(server.stop()).as(server.err()).isZero();
    }
    assertThat(mount).doesNotExist();
    assertThat(Files.list(home.resolve("run"))).isEmpty();
  }

  @Test
  void aLayoutIsMountedToo() throws Exception {
    PushedImages.assumeMountable(images.home.path());
    String layout = "oci:" + images.home.resolve("layout") + ":v1";
    images.maker.ok("tag", images.v1(), layout);
    Path mount = Files.createDirectory(images.home.resolve("mnt-layout"));
    try (ObdProcess server =
        ObdProcess.start(
            images.machine("layout-home"), "serve", layout, "--mount", mount.toString())) {
      server.awaitReady();
      TestDisk.assertSameTree(images.disk.tree(), mount);
      assertThat(server.stop()).as(server.err()).isZero();
    }
    assertThat(mount).isEmptyDirectory();
  }

  @Test
  void overNbdEveryByteIsTheDisks() throws Exception {
    Tools.requireOnPath("nbdcopy", "nbdinfo");
    Path home = images.machine("reading");
    try (ObdProcess server = ObdProcess.serve(home, images.v2())) {
      Path got = TestDisk.download(server.uri(), images.home.resolve("nbd.raw"));
      TestDisk.assertSame(images.disk.raw2(), got);
      assertThat(Processes.run("nbdinfo", "--size", server.uri()).text().strip())
          .isEqualTo(Long.toString(TestDisk.SIZE));
      assertThat(server.stop()).as(server.err()).isZero();
    }
    assertThat(home.resolve("nbd.sock")).doesNotExist();
  }

  @Test
  void onlyWhatIsReadIsFetchedAndItIsFetchedOnce() throws Exception {
    Tools.requireOnPath("qemu-io");
    Path home = images.machine("lazy");
    long whole =
        images.layers("v2").stream().mapToLong(layer -> layer.get("size").getAsLong()).sum();
    for (int run = 0; run < 2; run++) {
      images.registry.clearLog();
      try (ObdProcess server = ObdProcess.serve(home, images.v2())) {
        Processes.run("qemu-io", "-r", "-f", "raw", "-c", "read 4M 64k", server.uri());
        server.stop();
      }
      long fetched = images.dataReads().stream().mapToLong(r -> r.bytesSent()).sum();
      if (run == 0) {
        assertThat(fetched).isBetween(1L, whole / 4);
      } else {
        assertThat(fetched).as("what was fetched is kept").isZero();
      }
    }
  }
}
