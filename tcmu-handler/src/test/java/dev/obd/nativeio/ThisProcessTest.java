package dev.obd.nativeio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ThisProcessTest {
  @Test
  void theNumberOfOpenFilesIsNeverLowered() throws IOException {
    long now = ThisProcess.raiseOpenFiles(0);
    assertThat(now).isPositive();
    assertThat(ThisProcess.raiseOpenFiles(now)).isEqualTo(now);
    assertThat(ThisProcess.raiseOpenFiles(1 << 20)).isGreaterThanOrEqualTo(now);
  }

  @Test
  void hugePagesCanBeDoneWithout() throws IOException {
    ThisProcess.useSmallPages();
  }

  @Test
  void aThreadCanBecomeOneThatServesDevices() throws Exception {
    var failure = new java.util.concurrent.atomic.AtomicReference<IOException>();
    Thread.ofPlatform()
        .start(() -> {
          try {
            ThisProcess.serveBlockDevicesOnThisThread();
          } catch (IOException e) {
            failure.set(e);
          }
        })
        .join();
    if (failure.get() instanceof ErrnoException e) {
      assumeTrue(!e.is(Errno.EPERM), "needs CAP_SYS_RESOURCE");
    }
    assertThat(failure.get()).isNull();
  }
}
