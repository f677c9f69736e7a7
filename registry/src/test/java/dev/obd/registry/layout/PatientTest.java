package dev.obd.registry.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A file system that does not answer. */
@Timeout(60)
class PatientTest {
  private static final Duration SHORT = Duration.ofMillis(20);
  private static final Duration LONG = Duration.ofSeconds(20);

  @Test
  void whatHangsCostsThePatienceAndOnlySoManyThreads() throws IOException {
    var patient = new Patient("/mnt/nas");
    var end = new CountDownLatch(1);
    for (int i = 0; i < 40; i++) {
      assertThatThrownBy(() ->
              patient.run(
                  SHORT,
                  () -> {
                    try {
                      end.await();
                    } catch (InterruptedException e) {
                      throw new IOException(e);
                    }
                    return true;
                  }))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.TIMED_OUT))
          .hasMessageContaining("/mnt/nas")
          .hasMessageContaining(i < 32 ? "within 20 ms" : "32 earlier reads");
    }
    end.countDown();
    assertThat(patient.run(LONG, () -> "there")).isEqualTo("there");
  }

  @Test
  void whatFailsIsSaidAndMayPass() {
    assertThatThrownBy(() ->
            new Patient("/mnt/nas")
                .run(
                    LONG,
                    () -> {
                      throw new IOException("Stale file handle");
                    }))
        .isInstanceOfSatisfying(RegistryException.class, e -> assertThat(e.isRetryable()).isTrue())
        .hasMessageContaining("Stale file handle");
  }
}
