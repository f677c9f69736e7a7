package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.ProcessRegistry;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Profile;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Killed servers and damaged files: right bytes or an error, never wrong bytes. */
class CrashEndToEndTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Profile LINK = Profile.link(Duration.ofMillis(2), Profile.megabits(24));

  private static PushedImages images;

  @BeforeAll
  static void push() throws IOException, InterruptedException {
    Tools.requireOnPath("nbdcopy");
    images = PushedImages.make(ProcessRegistry.with().link(LINK));
  }

  @AfterAll
  static void stop() throws IOException {
    if (images != null) {
      images.close();
    }
  }

  private static void assertServes(Path home, String image, Path expected)
      throws IOException, InterruptedException {
    try (ObdProcess server = ObdProcess.serve(home, image)) {
      TestDisk.assertSame(
          expected, TestDisk.download(server.uri(), images.home.resolve("download.raw")));
      assertThat(server.stop()).as(server.err()).isZero();
    }
  }

  @Test
  void aServerKilledWhileItFillsTheCacheAndACacheThatRotsServeTheRightBytes() throws Exception {
    Path home = images.machine("killed");
    long whole =
        images.layers("v2").stream().mapToLong(layer -> layer.get("size").getAsLong()).sum();
    images.registry.clearLog();
    ObdProcess server = ObdProcess.serve(home, images.v2());
    // One request after the other: in parallel they would all be nearly done at the same time.
    Process copy =
        new ProcessBuilder(
                "nbdcopy",
                "--connections=1",
                "--requests=1",
                "--request-size=65536",
                server.uri(),
                "null:")
            .start();
    while (images.dataReads().stream().mapToLong(r -> r.bytesSent()).sum() < whole / 3) {
      assertThat(copy.isAlive()).isTrue();
      TimeUnit.MILLISECONDS.sleep(20);
    }
    server.kill();
    copy.waitFor();
    assertThat(copy.exitValue()).as("the copy was cut off").isNotZero();

    images.registry.clearLog();
    assertServes(home, images.v2(), images.disk.raw2());
    long refetched = images.dataReads().stream().mapToLong(r -> r.bytesSent()).sum();
    assertThat(refetched).as("of %d bytes", whole).isLessThan(whole - whole / 6);

    long seed = dev.obd.testdata.Seeded.fresh();
    SplittableRandom random = new SplittableRandom(seed);
    for (String kind : List.of("sha256:[0-9a-f]*", "sha256:[0-9a-f]*\\.map")) {
      int damaged = 0;
      for (Path file : files(home.resolve("cache"))) {
        if (file.getFileName().toString().matches(kind)) {
          flip(file, random);
          damaged++;
        }
      }
      assertThat(damaged).as(kind).isEqualTo(2);
      assertServes(home, images.v2(), images.disk.raw2());
    }
    for (Path file : files(home.resolve("cache"))) {
      truncate(file, random.nextLong(Files.size(file) + 1));
    }
    assertServes(home, images.v2(), images.disk.raw2());
  }

  @Test
  void withoutTheRegistryADamagedCacheIsAnErrorAndNotWrongBytes() throws Exception {
    Path home = images.machine("alone");
    new Cli(home).ok("pull", images.v1());
    assertServes(home, images.v1(), images.disk.raw());
    images.registry.stop();
    try {
      assertServes(home, images.v1(), images.disk.raw());
      // One byte in the middle of the layer, away from what opening it reads.
      Path data =
          files(home.resolve("cache")).stream()
              .filter(f -> f.getFileName().toString().matches("sha256:[0-9a-f]*"))
              .findFirst()
              .orElseThrow();
      flipAt(data, Files.size(data) / 2);
      try (ObdProcess server = ObdProcess.serve(home, images.v1(), "--patience", "2s")) {
        Path got = images.home.resolve("damaged.raw");
        Processes.Result result =
            Processes.run(PATIENCE, null, List.of("nbdcopy", server.uri(), got.toString()));
        assertThat(result.exit()).isNotZero();
        assertThat(result.errors()).contains("error");
        server.stop();
        assertThat(server.err()).contains("device.io.failed");
      }
    } finally {
      images.registry.restart();
    }
  }

  @Test
  void aDamagedLayoutIsAnErrorAndNotWrongBytes() throws Exception {
    Path layout = images.home.resolve("layout");
    String name = "oci:" + layout + ":v1";
    images.maker.ok("tag", images.v1(), name);
    JsonObject layer = images.layers("v1").getFirst();
    Path blob = layout.resolve("blobs/sha256/" + layer.get("digest").getAsString().substring(7));
    // The store's copy may be the same file under another name.
    byte[] whole = Files.readAllBytes(blob);
    Files.delete(blob);
    Path home = images.machine("layouts");
    for (long length : new long[] {0, 511, 4096, whole.length / 2, whole.length - 1}) {
      Files.write(blob, java.util.Arrays.copyOf(whole, (int) length));
      try (ObdProcess server =
          ObdProcess.start(home, "serve", name, "--nbd", "unix:" + home.resolve("nbd.sock"))) {
        assertThat(server.await()).as("cut to %d bytes", length).isEqualTo(1);
        assertThat(server.err()).contains(layer.get("digest").getAsString());
        assertThat(server.err()).hasLineCount(1);
      }
    }
    Files.write(blob, whole);
    flipAt(blob, whole.length / 2);
    try (ObdProcess server = ObdProcess.serve(home, name)) {
      Path got = images.home.resolve("layout.raw");
      assertThat(
              Processes.run(PATIENCE, null, List.of("nbdcopy", server.uri(), got.toString()))
                  .exit())
          .isNotZero();
    }
    Files.write(blob, whole);
    assertServes(home, name, images.disk.raw());
  }

  private static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      return all.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static void flip(Path file, SplittableRandom random) throws IOException {
    long size = Files.size(file);
    for (int i = 0; i < 60; i++) {
      flipAt(file, random.nextLong(size));
    }
  }

  private static void flipAt(Path file, long at) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, at);
      one.put(0, (byte) (one.get(0) ^ 0x41));
      channel.write(one.flip(), at);
    }
  }

  private static void truncate(Path file, long size) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(size);
    }
  }
}
