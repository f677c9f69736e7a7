package dev.obd.backstore.device;

import java.io.IOException;

/** For tests of other packages: reads on behalf of a device with a policy. */
public final class StallReports {
  private StallReports() {}

  /** What reads. */
  public interface Reading {
    void run() throws IOException;
  }

  /** Runs {@code reading} as a device with {@code policy} would. */
  public static void under(OnStall policy, Reading reading) throws IOException {
    policy.run(reading::run);
  }
}
