package dev.obd.backstore.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.image.Locality.Part;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class OutageWatchTest {
  private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000L);

  private Optional<Part> recorded = Optional.empty();
  private final AtomicInteger looks = new AtomicInteger();
  private final OutageWatch watch =
      new OutageWatch(
          "d",
          () -> {
            looks.incrementAndGet();
            return recorded;
          },
          () -> NOW);

  @Test
  void itIsSafeOnceNothingThatIsRecordedIsMissing() {
    watch.look();
    assertThat(watch.since()).isEmpty();
    recorded = Optional.of(new Part(100, 99));
    watch.look();
    assertThat(watch.since()).isEmpty();
    recorded = Optional.of(new Part(100, 100));
    watch.look();
    assertThat(watch.since()).contains(NOW);
  }

  @Test
  void whatIsSafeIsLookedAtRarelyAndNoLongerSafeOnceSomethingIsGone() {
    recorded = Optional.of(new Part(100, 100));
    watch.look();
    recorded = Optional.of(new Part(100, 50));
    for (int i = 0; i < 11; i++) {
      watch.look();
    }
    assertThat(looks).hasValue(1);
    assertThat(watch.since()).isPresent();
    watch.look();
    assertThat(looks).hasValue(2);
    assertThat(watch.since()).isEmpty();
    recorded = Optional.of(new Part(100, 100));
    watch.look();
    assertThat(watch.since()).as("looked at again at once").contains(NOW);
  }
}
