package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
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
  private static final int KILLS = 30;

  @TempDir Path directory;

  private Process filler(long capacity, long seed, long steps) throws IOException {
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
            Filler.class.getName(),
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
  void killedAtAnyMomentItLeavesOnlyRightBytes() throws IOException, InterruptedException {
    long seed = new SplittableRandom().nextLong(1 << 30);
    var random = new SplittableRandom(seed);
    long kept = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      long capacity = random.nextBoolean() ? 1 << 20 : 1 << 30;
      Process process = filler(capacity, seed + kill, 0);
      try (BufferedReader output = output(process)) {
        assertThat(output.readLine()).as("seed %d, kill %d", seed, kill).isEqualTo("ready");
        boolean ended = process.waitFor(random.nextInt(60), TimeUnit.MILLISECONDS);
        process.destroyForcibly(); // SIGKILL
        process.waitFor();
        assertThat(ended).as("the filler ended by itself").isFalse();
      }
      kept += verify(capacity, "seed " + seed + ", kill " + kill);
    }
    assertThat(kept).as("bytes served from what killed processes left").isPositive();
  }

  /** Reads everything; returns how much came from disk. */
  private long verify(long capacity, String what) throws IOException {
    try (BlobCache cache = CacheTests.open(Filler.config(directory, capacity))) {
      for (int which = 0; which < Filler.BLOBS; which++) {
        byte[] blob = Filler.blob(which);
        try (CachedSource source = cache.source(digest(which), new CountingOrigin(blob))) {
          assertThat(Arrays.equals(readAll(source), blob)).as(what).isTrue();
        }
      }
      assertThat(cache.usedBytes()).as(what).isLessThanOrEqualTo(Math.max(capacity, 2L << 20));
      return cache.stats().snapshot().hitBytes();
    }
  }

  @Test
  void processesMayFillAndEvictInOneDirectoryAtOnce() throws IOException, InterruptedException {
    long capacity = 700_000; // of 1,200,000: every process evicts all the time
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(filler(capacity, 1000 + i, 1500));
    }
    for (Process process : processes) {
      String said;
      try (BufferedReader output = output(process)) {
        said = output.lines().toList().toString();
      }
      assertThat(process.waitFor()).as(said).isZero();
    }
    verify(capacity, "afterwards");
  }
}
