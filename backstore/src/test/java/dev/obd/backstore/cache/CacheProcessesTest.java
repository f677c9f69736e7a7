package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Processes;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real processes that are killed, or share one directory. */
class CacheProcessesTest {
  /** {@code -Dobd.test.cacheKills=1000} for a long run. */
  private static final int KILLS = Integer.getInteger("obd.test.cacheKills", 30);

  /** A third of what the child reads: it evicts all the time. */
  private static final long SMALL = 400_000;

  private static final long LARGE = 1 << 30;

  @TempDir Path directory;

  private Process child(Path directory, long capacity, long seed, long steps) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            "-Xmx128m",
            // Starts in half the time: log4j-core would read its configuration first.
            "-Dlog4j2.loggerContextFactory=org.apache.logging.log4j.simple.SimpleLoggerContextFactory",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            CacheVictim.class.getName(),
            directory.toString(),
            Long.toString(capacity),
            Long.toString(seed),
            Long.toString(steps))
        .redirectErrorStream(true)
        .start();
  }

  private static BufferedReader output(Process process) {
    return new BufferedReader(
        new java.io.InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  @Test
  void killedAtAnyMomentItLeavesOnlyRightBytesAndNoMoreThanItsBound()
      throws IOException, InterruptedException {
    long seed = new SplittableRandom().nextLong(1 << 30);
    var random = new SplittableRandom(seed);
    Path small = directory.resolve("small");
    Path large = directory.resolve("large");
    long kept = 0;
    long most = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      String what = "seed " + seed + ", kill " + kill;
      boolean isSmall = kill % 2 == 0;
      Path where = isSmall ? small : large;
      long capacity = isSmall ? SMALL : LARGE;
      Process process = child(where, capacity, seed + kill, 0);
      try (BufferedReader output = output(process)) {
        assertThat(output.readLine()).as(what).isEqualTo("ready");
        boolean ended = process.waitFor(random.nextInt(60), TimeUnit.MILLISECONDS);
        process.destroyForcibly(); // SIGKILL
        process.waitFor();
        assertThat(ended).as("the child ended by itself").isFalse();
      }
      if (isSmall) {
        most = Math.max(most, allocated(where));
        assertThat(allocated(where))
            .as("%s: a unit for each of its threads over the bound", what)
            .isLessThanOrEqualTo(SMALL + (CacheVictim.THREADS + 1L) * CacheVictim.UNIT);
      }
      kept += verify(where, capacity, what);
      if (isSmall) {
        assertThat(allocated(where))
            .as("%s: tidied", what)
            .isLessThanOrEqualTo(SMALL + CacheVictim.BLOBS * 4096L);
      }
    }
    assertThat(kept).as("bytes served from what killed processes left").isPositive();
    System.out.printf(
        "%d kills (seed %d): no wrong byte; %d bytes served from what they left; at most %d bytes on disk of %d%n",
        KILLS, seed, kept, most, SMALL);
  }

  /** What the data files really occupy. */
  private static long allocated(Path where) throws IOException, InterruptedException {
    long bytes = 0;
    for (int which = 0; which < CacheVictim.BLOBS; which++) {
      Path data = where.resolve(digest(which).value());
      if (Files.exists(data)) {
        String blocks =
            Processes.run("stat", "-c", "%b", data.toString()).expectSuccess().text().strip();
        bytes += Long.parseLong(blocks) * 512;
      }
    }
    return bytes;
  }

  /** Reads everything; returns how much came from disk. */
  private static long verify(Path where, long capacity, String what) throws IOException {
    try (BlobCache cache = CacheTests.open(CacheVictim.config(where, capacity))) {
      for (int which = 0; which < CacheVictim.BLOBS; which++) {
        byte[] blob = CacheVictim.blob(which);
        try (CachedSource source = cache.source(digest(which), new CountingOrigin(blob))) {
          assertThat(Arrays.equals(readAll(source), blob)).as(what).isTrue();
        }
      }
      assertThat(cache.usedBytes()).as(what).isLessThanOrEqualTo(capacity);
      return cache.stats().snapshot().hitBytes();
    }
  }

  @Test
  void processesMayFillAndEvictInOneDirectoryAtOnce() throws IOException, InterruptedException {
    long capacity = 700_000; // of 1,200,000: every process evicts all the time
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(child(directory, capacity, 1000 + i, 1500));
    }
    for (Process process : processes) {
      String said;
      try (BufferedReader output = output(process)) {
        said = output.lines().toList().toString();
      }
      assertThat(process.waitFor()).as(said).isZero();
    }
    verify(directory, capacity, "afterwards");
  }
}
