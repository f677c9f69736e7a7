package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.KIB;
import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.Eventually.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.Range;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A filler that is a process of its own, and is killed with readers waiting. */
@Timeout(120)
class FillerProcessTest {
  private static final int UNIT = 16 * KIB;
  private static final int KILLS = 10;

  @TempDir Path directory;

  private final AtomicInteger answered = new AtomicInteger();

  /** Asks a process for ranges of a file: "offset length" in, the bytes out. */
  private final class Other implements Filler, AutoCloseable {
    private final Process process;

    Other(Path file) throws IOException {
      String script =
          "while read -r offset length; do tail -c +$((offset + 1)) \"$1\" | head -c $length; done";
      process =
          new ProcessBuilder("sh", "-c", script, "filler", file.toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    }

    @Override
    public synchronized void fill(Miss miss, FillTarget object) throws IOException {
      Range range = miss.whole();
      byte[] got;
      try {
        process
            .getOutputStream()
            .write((range.offset() + " " + range.length() + "\n").getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
        got = process.getInputStream().readNBytes((int) range.length());
      } catch (IOException e) {
        throw new FillerGoneException("the process is gone", e);
      }
      if (got.length < range.length()) {
        throw new FillerGoneException("the process is gone");
      }
      answered.incrementAndGet();
      object.write(range.offset(), ByteBuffer.wrap(got));
    }

    /** Kills it. */
    @Override
    public void close() {
      process.destroyForcibly();
      process.onExit().join();
    }
  }

  @Test
  void itsReadersSeeADelayAndNoErrorWhenItIsKilled() throws Exception {
    byte[] bytes = content(1, 400 * UNIT);
    Path file = Files.write(directory.resolve("origin"), bytes);
    var filler = new ReplaceableFiller(Duration.ofSeconds(60), Ticker.SYSTEM);
    CacheConfig config = CacheTests.small(directory.resolve("cache")).withUnit(UNIT);
    try (BlobCache cache = CacheTests.open(config.withCapacity(50L * UNIT));
        CacheObject object = cache.object(digest(1), bytes.length, filler);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> readers = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        var random = new SplittableRandom(t);
        readers.add(
            threads.submit(() -> {
              for (int i = 0; i < 200; i++) {
                int from = random.nextInt(bytes.length - 3 * UNIT);
                byte[] got = new byte[random.nextInt(1, 3 * UNIT)];
                object.read(from, ByteBuffer.wrap(got));
                if (!Arrays.equals(got, Arrays.copyOfRange(bytes, from, from + got.length))) {
                  throw new AssertionError("wrong bytes at " + from);
                }
              }
              return null;
            }));
      }
      for (int kill = 0; kill < KILLS; kill++) {
        int before = answered.get();
        try (Other other = new Other(file)) {
          filler.replace(other);
          until(() -> answered.get() > before + 5);
        }
      }
      assertThat(readers).as("they still wait").anyMatch(reader -> !reader.isDone());
      try (Other last = new Other(file)) {
        filler.replace(last);
        for (Future<?> reader : readers) {
          reader.get();
        }
      }
    }
  }
}
