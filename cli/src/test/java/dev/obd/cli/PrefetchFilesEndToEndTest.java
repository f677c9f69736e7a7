package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.Processes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Files that a user lists are fetched ahead, from a real registry. */
class PrefetchFilesEndToEndTest {
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
  void whoWaitsForThePrefetchFindsEverythingHereWhenTheDeviceIsReady() throws Exception {
    images.registry.clearLog();
    Path socket = images.home.resolve("s1");
    try (ObdProcess server =
        ObdProcess.start(
            images.machine("waits"),
            "serve",
            images.v2(),
            "--nbd",
            "unix:" + socket,
            "--prefetch-wait",
            "60s",
            "--prefetch-files",
            "/")) {
      server.awaitReady();
      List<LoggedRequest> ahead = images.dataReads();
      Path copy = TestDisk.download("nbd+unix:///?socket=" + socket, images.home.resolve("copy"));
      TestDisk.assertSame(images.disk.raw2(), copy);
      long whole = images.dataReads().size() - ahead.size();
      assertThat(ahead).as("%d requests after that", whole).hasSizeGreaterThan((int) whole * 4);
      assertThat(server.stop()).as(server.err()).isZero();
    }
  }

  @Test
  void thePathsMayComeFromStandardInputAndAWaitEndsInTime() throws Exception {
    images.registry.clearLog();
    Path list = images.home.resolve("list");
    Files.writeString(list, "/d0\n\n/no such file\n/d1/*\n");
    Path socket = images.home.resolve("s2");
    try (ObdProcess server =
        ObdProcess.startReading(
            images.machine("stdin"),
            list,
            "serve",
            images.v1(),
            "--nbd",
            "unix:" + socket,
            "--prefetch-files",
            "-",
            "--prefetch-wait",
            "1ms")) {
      server.awaitReady();
      images.awaitQuiet();
      assertThat(images.dataReads().size()).isGreaterThan(5);
      Processes.run("nbdinfo", "nbd+unix:///?socket=" + socket);
      assertThat(server.stop()).as(server.err()).isZero();
    }
  }

  @Test
  void aPathThatIsNotAbsoluteIsRefusedByName() {
    new Cli(images.machine("wrong"))
        .run("serve", images.v2(), "--nbd", "unix:/x", "--prefetch-files", "d0")
        .expect(2);
  }
}
