package dev.obd.backstore.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.obd.io.ReadContext.Purpose;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LinkFitTest {
  /** Requests over a link, each as long after the one before as chance has it. */
  private static List<WireRequest> over(Link link, int requests, long spreadMicros) {
    var random = new SplittableRandom(requests);
    Line line = new Line(link);
    List<WireRequest> seen = new ArrayList<>();
    long at = 0;
    for (int i = 0; i < requests; i++) {
      at += random.nextLong(spreadMicros);
      long begin = at;
      long length = (64L << 10) * random.nextInt(1, 12);
      line.at(
          begin,
          () ->
              line.send(
                  length,
                  new Line.Answer() {
                    @Override
                    void arrived(long bytes, double micros) {}

                    @Override
                    void ended(double micros) {
                      long end = Math.round(micros);
                      seen.add(
                          new WireRequest(
                              0,
                              0,
                              0,
                              length,
                              begin,
                              begin,
                              end,
                              Purpose.DEMAND,
                              false,
                              false,
                              true));
                    }
                  }));
    }
    line.run();
    seen.sort(java.util.Comparator.comparingLong(WireRequest::beginMicros));
    return seen;
  }

  @ParameterizedTest
  @CsvSource({"60000,3125000", "20000,12500000", "5000,125000000", "230000,3125000", "500,1e8"})
  void theLinkIsFoundFromTheRequestsThatWentOverIt(long rttMicros, double bytesPerSecond) {
    for (long spread : new long[] {1_000, 50_000, 2_000_000}) {
      Link found = LinkFit.of(over(new Link(rttMicros, bytesPerSecond), 60, spread)).orElseThrow();
      assertThat(found.bytesPerSecond())
          .as("requests up to %d us apart", spread)
          .isCloseTo(bytesPerSecond, within(bytesPerSecond * 0.05));
      assertThat((double) found.rttMicros()).isCloseTo(rttMicros, within(rttMicros * 0.1 + 500));
    }
  }

  @Test
  void withoutRequestsThereIsNoLink() {
    assertThat(LinkFit.of(List.of())).isEmpty();
  }
}
