package dev.obd.ublk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.obd.testdata.vm.Guest;
import java.util.Optional;

/** Whether the guest's kernel has ublk, which not all have. */
final class GuestKernel {
  private GuestKernel() {}

  /** Skips the test if it has none; fails it where that must not be. */
  static void requireUblk() {
    Optional<String> missing = new UblkFrontend().unavailableBecause();
    if (Guest.isRequired()) {
      assertThat(missing).isEmpty();
    }
    assumeTrue(missing.isEmpty(), () -> missing.orElse(""));
  }
}
