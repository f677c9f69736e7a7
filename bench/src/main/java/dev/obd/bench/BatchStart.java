package dev.obd.bench;

import dev.obd.backstore.image.Image;
import dev.obd.testdata.Profile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Future;

/**
 * 1, 2, 4 … 32 devices of one machine start from one image at the same time and read the same: what
 * the registry sends must stay what one of them needs. Arguments: reads per device (300), MiB of
 * the image (64).
 */
public final class BatchStart {
  private static final int READ = 16 << 10;

  private BatchStart() {}

  /** Prints a line per number of devices. */
  public static void main(String[] args) throws Exception {
    int reads = args.length > 0 ? Integer.parseInt(args[0]) : 300;
    int mebibytes = args.length > 1 ? Integer.parseInt(args[1]) : 64;
    System.out.println("devices  seconds  registry MiB  requests  bytes/1 device  time/1 device");
    try (SimulatedImage image = SimulatedImage.of(4, (mebibytes << 20) / 4)) {
      run(image, 1, reads); // classes and code
      double one = 0;
      long bytes = 0;
      for (int devices = 1; devices <= 32; devices *= 2) {
        double seconds = run(image, devices, reads);
        var counters = image.registry.counters();
        if (devices == 1) {
          one = seconds;
          bytes = counters.bytesSent();
        }
        System.out.printf(
            Locale.ROOT,
            "%7d  %7.2f  %12.1f  %8d  %14.3f  %13.2f%n",
            devices,
            seconds,
            counters.bytesSent() / 1048576.0,
            counters.requests(),
            (double) counters.bytesSent() / bytes,
            seconds / one);
      }
    }
  }

  private static double run(SimulatedImage image, int devices, int reads) throws Exception {
    image.behind(Profile.WAN);
    try (SimulatedImage.Machine machine = image.machine()) {
      long start = System.nanoTime();
      List<Future<Void>> all = new ArrayList<>();
      for (int i = 0; i < devices; i++) {
        all.add(image.executor().submit(() -> start(image, machine, reads)));
      }
      for (Future<Void> device : all) {
        device.get();
      }
      return (System.nanoTime() - start) / 1e9;
    }
  }

  private static Void start(SimulatedImage image, SimulatedImage.Machine machine, int reads)
      throws IOException {
    var random = new SplittableRandom(1); // every device reads the same
    try (Image disk = machine.open()) {
      for (int i = 0; i < reads; i++) {
        long at = random.nextLong(image.diskBytes / READ) * READ;
        disk.read(at, ByteBuffer.allocate(READ));
      }
    }
    return null;
  }
}
