package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.KIB;
import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Hundreds of containers: thousands of objects, and many devices on one image. */
@Timeout(300)
class CacheMassTest {
  private static final int OBJECTS = 5000;
  private static final int OBJECT_BYTES = 20 * 16 * KIB;
  private static final int UNIT = 16 * KIB;

  @TempDir Path directory;

  private static long openFiles() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    }
  }

  private static long heapBytes() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(50);
    }
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  /** The content of object {@code n}: the same bytes, shifted. */
  private static int shift(int n) {
    return n % 4096;
  }

  @Test
  void thousandsOfObjectsAreOpenWithFewFilesAndLittleMemory() throws Exception {
    long filesBefore = openFiles();
    long heapBefore = heapBytes();
    Load most = useThousands();
    long each = (most.heapBytes - heapBefore) / OBJECTS;
    System.out.printf(
        "%d objects: at most %d files open (%d before), %d bytes of heap each%n",
        OBJECTS, most.files, filesBefore, each);
    assertThat(most.files - filesBefore).isLessThan(560);
    assertThat(each).isLessThan(6L * KIB);
  }

  private record Load(long files, long heapBytes) {}

  private Load useThousands() throws Exception {
    byte[] bytes = content(1, OBJECT_BYTES + 4096);
    CacheConfig config =
        CacheTests.small(directory).withUnit(UNIT).withCapacity(2000L * UNIT); // they evict, too
    try (BlobCache cache = CacheTests.open(config);
        ExecutorService threads = Executors.newFixedThreadPool(8)) {
      List<CacheObject> objects = new ArrayList<>();
      for (int n = 0; n < OBJECTS; n++) {
        int shift = shift(n);
        Filler filler =
            (miss, object) -> {
              Range range = miss.whole();
              object.write(
                  range.offset(),
                  ByteBuffer.wrap(bytes, shift + (int) range.offset(), (int) range.length())
                      .slice());
            };
        objects.add(cache.object(digest(n), OBJECT_BYTES, filler));
      }
      long mostFiles = openFiles();
      List<Future<?>> readers = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        var random = new SplittableRandom(t);
        readers.add(
            threads.submit(() -> {
              for (int i = 0; i < 2500; i++) {
                int n = random.nextInt(OBJECTS);
                int from = random.nextInt(OBJECT_BYTES - 100);
                byte[] got = new byte[100];
                objects.get(n).read(from, ByteBuffer.wrap(got));
                if (!Arrays.equals(
                    got, Arrays.copyOfRange(bytes, shift(n) + from, shift(n) + from + 100))) {
                  throw new AssertionError("object " + n + " at " + from);
                }
              }
              return null;
            }));
      }
      while (readers.stream().anyMatch(r -> !r.isDone())) {
        mostFiles = Math.max(mostFiles, openFiles());
        Thread.sleep(20);
      }
      for (Future<?> reader : readers) {
        reader.get();
      }
      long heap = heapBytes();
      assertThat(cache.usedBytes()).isEqualTo(cache.capacityBytes());
      assertThat(cache.stats().snapshot().evictedUnits()).isGreaterThan(10_000);
      assertThat(cache.stats().snapshot().diskErrors()).isZero();
      for (CacheObject object : objects) {
        object.close();
      }
      return new Load(mostFiles, heap);
    }
  }

  @Test
  void manyDevicesOnOneImageAskTheOriginOnceForEachUnit() throws Exception {
    byte[] bytes = content(1, 8 << 20);
    CountingOrigin origin = new CountingOrigin(bytes);
    BitSet touched = new BitSet();
    try (BlobCache cache = CacheTests.open(CacheTests.small(directory).withUnit(UNIT));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> devices = new ArrayList<>();
      for (int d = 0; d < 32; d++) {
        var random = new SplittableRandom(d);
        var reads = new ArrayList<Range>();
        for (int i = 0; i < 200; i++) {
          int from = random.nextInt(bytes.length / 2); // the other half nobody reads
          int length = random.nextInt(1, 40_000);
          reads.add(new Range(from, length));
          touched.set(from / UNIT, (from + length - 1) / UNIT + 1);
        }
        devices.add(
            threads.submit(() -> {
              try (CachedSource source = cache.source(digest(1), origin)) {
                for (Range read : reads) {
                  int from = (int) read.offset();
                  byte[] got = CacheTests.read(source, from, (int) read.length());
                  if (!Arrays.equals(got, Arrays.copyOfRange(bytes, from, from + got.length))) {
                    throw new AssertionError("wrong bytes in " + read);
                  }
                }
              }
              return null;
            }));
      }
      for (Future<?> device : devices) {
        device.get();
      }
    }
    assertThat(origin.bytes()).isEqualTo((long) touched.cardinality() * UNIT);
  }
}
