package dev.obd.backstore.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TraceReportTest {
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void everyByteIsCountedOncePerReadAndOnceInAll(long seed) {
    var random = new SplittableRandom(seed);
    List<Access> reads = new ArrayList<>();
    BitSet[] touched = {new BitSet(), new BitSet(), new BitSet()};
    long bytes = 0;
    for (int i = random.nextInt(200); i >= 0; i--) {
      var read = new Access(random.nextInt(3), random.nextInt(5000), random.nextInt(1, 300));
      reads.add(read);
      bytes += read.length();
      touched[read.layer()].set((int) read.offset(), (int) (read.offset() + read.length()));
    }
    TraceReport report = TraceReport.of(Trace.of(reads));
    assertThat(report.records()).isEqualTo(reads.size());
    assertThat(report.bytes()).isEqualTo(bytes);
    long unique = 0;
    for (TraceReport.Layer layer : report.layers()) {
      assertThat(layer.uniqueBytes()).isEqualTo(touched[layer.layer()].cardinality());
      assertThat(layer.records())
          .isEqualTo((int) reads.stream().filter(r -> r.layer() == layer.layer()).count());
      unique += layer.uniqueBytes();
    }
    assertThat(report.uniqueBytes()).isEqualTo(unique);
  }

  @Test
  void nothingReadAddsUpToNothing() {
    assertThat(TraceReport.of(Trace.EMPTY)).isEqualTo(new TraceReport(0, 0, 0, List.of()));
  }

  @Test
  void hugeReadsDoNotOverflow() {
    Trace trace =
        Trace.of(List.of(new Access(0, 0, Long.MAX_VALUE), new Access(1, 1, Long.MAX_VALUE - 1)));
    TraceReport report = TraceReport.of(trace);
    assertThat(report.bytes()).isEqualTo(Long.MAX_VALUE);
    assertThat(report.uniqueBytes()).isEqualTo(Long.MAX_VALUE);
  }
}
