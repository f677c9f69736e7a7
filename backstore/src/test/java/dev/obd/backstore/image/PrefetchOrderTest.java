package dev.obd.backstore.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.prefetch.Replayer.Recorded;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PrefetchOrderTest {
  private static final Trace SOME = Trace.of(List.of(new Access(0, 0, 4096)));
  private static final Recorded ALL = new Recorded(SOME, Optional.empty());

  private static Recorded load(PrefetchOrder order) throws IOException {
    return order.loader().orElseThrow().load();
  }

  private static PrefetchOrder order() {
    return new PrefetchOrder("an image", Optional.empty());
  }

  @Test
  void aTraceThatCouldNotBeReadIsMissingThoughTheRestIsPlanned() throws IOException {
    Recorded got =
        load(
            order()
                .recorded(
                    "trace",
                    () -> {
                      throw new IOException("status 503");
                    })
                .then("hints", () -> SOME));
    assertThat(got.trace()).hasSize(1);
    assertThat(got.missing()).contains("the image's trace could not be read: status 503");
  }

  @Test
  void whatIsKnownToBeMissingOrNotWantedIsPassedOn() throws IOException {
    var part = new Recorded(SOME, Optional.of("runs"));
    assertThat(load(order().recorded("trace", () -> part)).missing()).contains("runs");
    var narrowed = new PrefetchOrder("an image", Optional.of("a budget"));
    assertThat(load(narrowed.recorded("trace", () -> ALL)).missing()).contains("a budget");
  }

  @Test
  void hintsThatCannotBeReadAreNothingThatWasRecorded() throws IOException {
    Recorded got =
        load(
            order()
                .recorded("trace", () -> ALL)
                .then(
                    "hints",
                    () -> {
                      throw new IOException("no file system");
                    }));
    assertThat(got).isEqualTo(ALL);
  }
}
