package dev.obd.backstore.explain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.explain.StallChain.Wait;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StallChainTest {
  private static Wait waited(long begin, long end) {
    var read = new DiskRead(0, 1, 0, begin, end, List.of());
    return new Wait(read, begin, end, end - begin, 0);
  }

  @Test
  void theChainIsAsHeavyAsTheHeaviestOfAllThatThereAre() {
    var random = new SplittableRandom(7);
    for (int round = 0; round < 300; round++) {
      List<Wait> waits = new ArrayList<>();
      for (int i = random.nextInt(10); i > 0; i--) {
        long begin = random.nextInt(50);
        waits.add(waited(begin, begin + random.nextInt(1, 20)));
      }
      waits.sort(Comparator.comparingLong(Wait::endMicros));
      long heaviest = 0;
      for (int subset = 0; subset < 1 << waits.size(); subset++) {
        long sum = 0;
        long until = 0;
        for (int i = 0; i < waits.size() && sum >= 0; i++) {
          if ((subset & 1 << i) != 0) {
            sum = waits.get(i).beginMicros() >= until ? sum + waits.get(i).micros() : -1;
            until = waits.get(i).endMicros();
          }
        }
        heaviest = Math.max(heaviest, sum);
      }
      List<Wait> chain = StallChain.heaviest(waits);
      assertThat(chain.stream().mapToLong(Wait::micros).sum()).isEqualTo(heaviest);
      for (int i = 1; i < chain.size(); i++) {
        assertThat(chain.get(i).beginMicros()).isGreaterThanOrEqualTo(chain.get(i - 1).endMicros());
      }
    }
  }

  @Test
  void whatIsWaitedForAtOnceCountsOnce() {
    assertThat(
            StallChain.covered(List.of(waited(0, 10), waited(5, 12), waited(6, 7), waited(20, 21))))
        .isEqualTo(13);
  }
}
