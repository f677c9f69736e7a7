package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import org.junit.jupiter.api.Test;

class RequestCountsTest {
  @Test
  void countsByHostAndHowRequestsEnded() {
    var counts = new RequestCounts();
    var host = new Origin("https", "r.example", 443);
    counts.answered(host, 200);
    counts.answered(host, 206);
    counts.answered(host, 404);
    counts.failed(host);
    assertThat(counts.all().stream().sorted(Comparator.comparing(RequestCounts.Count::result)))
        .containsExactly(
            new RequestCounts.Count("r.example:443", "2xx", 2),
            new RequestCounts.Count("r.example:443", "4xx", 1),
            new RequestCounts.Count("r.example:443", "failed", 1));
  }

  @Test
  void hostsWithoutEndAreCountedTogether() {
    var counts = new RequestCounts();
    for (int i = 0; i < 1000; i++) {
      counts.answered(new Origin("https", "cdn" + i, 443), 200);
    }
    assertThat(counts.all()).hasSize(65);
    assertThat(counts.all()).contains(new RequestCounts.Count("other", "2xx", 1000 - 64));
  }
}
