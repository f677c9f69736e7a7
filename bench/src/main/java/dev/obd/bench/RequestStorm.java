package dev.obd.bench;

import dev.obd.backstore.image.Image;
import dev.obd.testdata.Profile;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/**
 * An image of many layers is opened by a machine that has nothing of it: how many requests, and how
 * many round trips of time. Arguments: layers (70), milliseconds of a round trip (60), rounds (5).
 */
public final class RequestStorm {
  private RequestStorm() {}

  /** Prints the median, and the range. */
  public static void main(String[] args) throws Exception {
    int layers = args.length > 0 ? Integer.parseInt(args[0]) : 70;
    int millis = args.length > 1 ? Integer.parseInt(args[1]) : 60;
    int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 5;
    try (SimulatedImage image = SimulatedImage.of(layers, 256 << 10)) {
      double[] seconds = new double[rounds];
      long requests = 0;
      long bytes = 0;
      for (int i = -1; i < rounds; i++) { // the first is for classes and code
        image.behind(Profile.link(Duration.ofMillis(millis), 0));
        try (SimulatedImage.Machine machine = image.machine()) {
          long start = System.nanoTime();
          try (Image _ = machine.open()) {
            if (i >= 0) {
              seconds[i] = (System.nanoTime() - start) / 1e9;
            }
          }
        }
        requests = image.registry.counters().requests();
        bytes = image.registry.counters().bytesSent();
      }
      Arrays.sort(seconds);
      System.out.printf(
          Locale.ROOT,
          "%d layers, %d ms round trip: open in %.3f s (%.3f to %.3f) = %.1f round trips, %d requests ="
              + " %.1f per layer, %.0f KiB%n",
          layers,
          millis,
          seconds[rounds / 2],
          seconds[0],
          seconds[rounds - 1],
          seconds[rounds / 2] * 1000 / millis,
          requests,
          (double) requests / layers,
          bytes / 1024.0);
    }
  }
}
