package dev.obd.backstore.cache;

import dev.obd.io.Range;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A process that uses a cache directory, for tests that kill it or run several: reads, prefetches
 * and evicts at random and checks every byte. Exits with 0, or 1 if a byte was wrong.
 */
final class CacheVictim {
  static final int BLOBS = 2;
  static final int BLOB_BYTES = 600_000;
  static final int UNIT = 16 << 10;
  static final int THREADS = 3;

  private CacheVictim() {}

  static byte[] blob(int which) {
    return CacheTests.content(100 + which, BLOB_BYTES + which);
  }

  static CacheConfig config(Path directory, long capacity) {
    return CacheTests.small(directory).withUnit(UNIT).withCapacity(capacity);
  }

  /** Arguments: directory, capacity in bytes, seed, operations per thread (0 = until killed). */
  public static void main(String[] args) throws Exception {
    long seed = Long.parseLong(args[2]);
    long steps = Long.parseLong(args[3]);
    try (BlobCache cache = CacheTests.open(config(Path.of(args[0]), Long.parseLong(args[1])));
        ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      System.out.println("ready");
      System.out.flush();
      var work =
          java.util.stream.IntStream.range(0, THREADS)
              .<Callable<Boolean>>mapToObj(t ->
                  () -> {
                    run(cache, new SplittableRandom(seed * THREADS + t), steps);
                    return true;
                  })
              .toList();
      for (var done : threads.invokeAll(work)) {
        done.get();
      }
      System.out.println(cache.stats().snapshot());
    }
  }

  private static void run(BlobCache cache, SplittableRandom random, long steps) throws Exception {
    for (long step = 0; steps == 0 || step < steps; ) {
      int which = random.nextInt(BLOBS);
      byte[] blob = blob(which);
      try (CachedSource source = cache.source(CacheTests.digest(which), new CountingOrigin(blob))) {
        for (int i = 0; i < 50; i++, step++) {
          int from = random.nextInt(blob.length);
          int length = Math.min(blob.length - from, random.nextInt(1, 50_000));
          switch (random.nextInt(20)) {
            case 0 -> source.evict(from, length);
            case 1 -> source.prefetch(new Range(from, length));
            default -> {
              byte[] got = CacheTests.read(source, from, length);
              if (!Arrays.equals(got, Arrays.copyOfRange(blob, from, from + length))) {
                System.err.println("wrong bytes in blob " + which + " at " + from + "+" + length);
                System.exit(1);
              }
            }
          }
        }
      }
    }
  }
}
