package dev.obd.bench;

import dev.obd.backstore.image.Image;
import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import dev.obd.testdata.Profile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * The registry goes away while an image is read, for three seconds: one and five seconds after the
 * start, and after everything that is read had been read before. Reads have a patience of ten
 * seconds: none may fail, and those of what is cached must not notice.
 */
public final class Outage {
  private static final int READ = 16 << 10;
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration AWAY = Duration.ofSeconds(3);
  private static final long PAUSE_MILLIS = 5;

  private Outage() {}

  /** Prints a line per kind of outage. */
  public static void main(String[] args) throws Exception {
    System.out.println("registry away             reads  failed  longest s  after it was back s");
    try (SimulatedImage image = SimulatedImage.of(2, 32 << 20)) {
      row(image, "after 1 s", Duration.ofSeconds(1), false);
      row(image, "after 5 s", Duration.ofSeconds(5), false);
      row(image, "after the working set", Duration.ofSeconds(1), true);
    }
  }

  private static void row(SimulatedImage image, String what, Duration after, boolean warm)
      throws Exception {
    image.behind(Profile.WAN);
    try (SimulatedImage.Machine machine = image.machine();
        Image disk = machine.open()) {
      // A working set that takes about ten seconds to read once.
      int reads = (int) ((after.toMillis() + AWAY.toMillis() + 2000) / 30);
      if (warm) {
        read(disk, image, reads, 0);
      }
      long start = System.nanoTime();
      var registry = new Thread(() -> away(image, after));
      registry.start();
      int failed = 0;
      int made = 0;
      double longest = 0;
      double back = 0;
      long end = after.plus(AWAY).toNanos();
      var random = new SplittableRandom(7);
      for (; System.nanoTime() - start < end + 1_000_000_000L; made++) {
        if (made % reads == 0) {
          random = new SplittableRandom(warm ? 7 : 7 + made);
        }
        long from = System.nanoTime();
        failed += one(disk, at(random, image)) ? 0 : 1;
        double took = (System.nanoTime() - from) / 1e9;
        longest = Math.max(longest, took);
        if (from - start < end && System.nanoTime() - start > end) {
          back = (System.nanoTime() - start - end) / 1e9;
        }
        Thread.sleep(PAUSE_MILLIS);
      }
      registry.join();
      System.out.printf(
          Locale.ROOT, "%-24s %6d  %6d  %9.2f  %19.2f%n", what, made, failed, longest, back);
    }
  }

  private static void read(Image disk, SimulatedImage image, int reads, int seed)
      throws IOException {
    var random = new SplittableRandom(7 + seed);
    for (int i = 0; i < reads; i++) {
      one(disk, at(random, image));
    }
  }

  private static long at(SplittableRandom random, SimulatedImage image) {
    return random.nextLong(image.diskBytes / READ) * READ;
  }

  private static boolean one(Image disk, long at) {
    var context =
        new ReadContext(ReadContext.Purpose.DEMAND, Deadline.after(Ticker.SYSTEM, PATIENCE));
    try {
      ByteBuffer _ =
          context.run(() -> {
            ByteBuffer buffer = ByteBuffer.allocate(READ);
            disk.read(at, buffer);
            return buffer;
          });
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static void away(SimulatedImage image, Duration after) {
    try {
      Thread.sleep(after);
      image.registry.down();
      Thread.sleep(AWAY);
      image.registry.up();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
