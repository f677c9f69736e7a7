package dev.obd.testdata.vm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A class that runs in a guest. */
@InGuest
class InGuestTest {
  @TempDir Path directory;
  private boolean prepared;

  @BeforeEach
  void prepare() {
    assertThat(Guest.isHere()).isTrue();
    prepared = true;
  }

  @Test
  void aTestRunsOnTheGuestsKernel() throws Exception {
    assertThat(prepared).isTrue();
    assertThat(Path.of("/proc/sys/kernel/hostname")).hasContent("obd-guest\n");
    assertThat(Path.of("/sys/kernel/config/target")).isDirectory();
    assertThat(Path.of("/dev/nbd0")).exists();
  }

  @Test
  void itsDirectoryIsInTheGuest() {
    assertThat(directory).startsWith(Path.of("/run/tmp")).isDirectory();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void everyCaseOfAParameterizedTestIsRun(int number) {
    assertThat(number).isPositive();
  }
}
