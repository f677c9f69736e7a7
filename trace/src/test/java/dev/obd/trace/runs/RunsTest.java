package dev.obd.trace.runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.testdata.Seeded;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFormatException;
import dev.obd.trace.TraceRecorder;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RunsTest {
  private static final List<String> DIGESTS =
      IntStream.range(0, 4).mapToObj(i -> "sha256:" + (9 - i + "a").repeat(32)).toList();

  /** What a recorder notes of random reads, some of them of the same bytes. */
  private static Trace trace(SplittableRandom random, int reads) {
    long[] now = {1_000};
    TraceRecorder recorder = new TraceRecorder(1 << 12, () -> now[0]);
    recorder.start();
    for (int i = 0; i < reads; i++) {
      now[0] += random.nextLong(2_000_000);
      recorder.read(random.nextInt(5), random.nextInt(40) * 512L, 512 * (1 + random.nextInt(8)));
    }
    return recorder.snapshot();
  }

  private static Run run(SplittableRandom random) {
    return Run.of(
        Instant.ofEpochSecond(1_700_000_000L + random.nextInt(3)),
        random.nextBoolean() ? "app" : "",
        trace(random, random.nextInt(60)),
        DIGESTS);
  }

  private static Runs runs(SplittableRandom random, int most) {
    return Runs.of(
        IntStream.range(0, random.nextInt(most + 1)).mapToObj(_ -> run(random)).toList());
  }

  @Test
  void aRunHasEachByteOnceAtItsFirstReadAsAModelOfBytesSays() {
    SplittableRandom random = new SplittableRandom(Seeded.fresh());
    for (int round = 0; round < 200; round++) {
      Trace trace = trace(random, random.nextInt(80));
      Map<String, Map<Long, Long>> model = new HashMap<>();
      for (int i = 0; i < trace.size(); i++) {
        Access access = trace.get(i);
        for (long at = access.offset(); at < access.offset() + access.length(); at += 512) {
          if (access.layer() < DIGESTS.size()) {
            model
                .computeIfAbsent(DIGESTS.get(access.layer()), _ -> new HashMap<>())
                .putIfAbsent(at, trace.micros(i));
          }
        }
      }
      Run run = Run.of(Instant.EPOCH, "", trace, DIGESTS);
      Map<String, Map<Long, Long>> actual = new HashMap<>();
      for (Touch touch : run.touches()) {
        for (long at = touch.offset(); at < touch.offset() + touch.length(); at += 512) {
          Long twice =
              actual
                  .computeIfAbsent(run.layers().get(touch.layer()), _ -> new HashMap<>())
                  .put(at, touch.micros());
          assertThat(twice).isNull();
        }
      }
      assertThat(actual).isEqualTo(model);
    }
  }

  @Test
  void mergingIsCommutativeAssociativeAndIdempotentAlsoWhenThereAreTooMany() {
    SplittableRandom random = new SplittableRandom(Seeded.fresh());
    for (int round = 0; round < 60; round++) {
      Runs a = runs(random, 40);
      Runs b = runs(random, 40);
      Runs c = runs(random, 40);
      assertThat(a.merge(b)).isEqualTo(b.merge(a));
      assertThat(a.merge(b).merge(c)).isEqualTo(a.merge(b.merge(c)));
      assertThat(a.merge(a)).isEqualTo(a);
      assertThat(a.merge(b).merge(a)).isEqualTo(a.merge(b));
      assertThat(a.merge(b).merge(c).runs()).hasSizeLessThanOrEqualTo(Runs.MAX_RUNS);
    }
  }

  @Test
  void theSameRunsInAnyOrderAreTheSameBytesAndComeBackFromThem() throws Exception {
    SplittableRandom random = new SplittableRandom(Seeded.fresh());
    for (int round = 0; round < 60; round++) {
      List<Run> all = new ArrayList<>(runs(random, 12).runs());
      byte[] file = RunsFile.encode(Runs.of(all));
      Collections.shuffle(all, new Random(round));
      Runs oneByOne = Runs.of(List.of());
      for (Run run : all) {
        oneByOne = oneByOne.merge(Runs.of(List.of(run)));
      }
      assertThat(RunsFile.encode(oneByOne)).isEqualTo(file);
      assertThat(RunsFile.decode("test", ByteBuffer.wrap(file))).isEqualTo(oneByOne);
    }
  }

  @Test
  void theSupportOfEveryByteIsTheNumberOfRunsThatReadIt() {
    SplittableRandom random = new SplittableRandom(Seeded.fresh());
    for (int round = 0; round < 60; round++) {
      Runs runs = runs(random, 7);
      for (String layer : DIGESTS) {
        int[] expected = new int[60];
        for (Run run : runs.runs()) {
          for (Touch touch : run.touches()) {
            if (run.layers().get(touch.layer()).equals(layer)) {
              int end = (int) (touch.offset() + touch.length()) / 512;
              for (int i = (int) touch.offset() / 512; i < end; i++) {
                expected[i]++;
              }
            }
          }
        }
        int[] actual = new int[60];
        for (Runs.Extent extent : runs.extents()) {
          if (extent.layer().equals(layer)) {
            int end = (int) (extent.offset() + extent.length()) / 512;
            for (int i = (int) extent.offset() / 512; i < end; i++) {
              assertThat(actual[i]).isZero();
              actual[i] = extent.support();
            }
          }
        }
        assertThat(actual).isEqualTo(expected);
      }
    }
  }

  @Test
  void aTraceForReplayHoldsWhatEnoughRunsReadInTheOrderOfTheFirstTouch() {
    long[] now = {0};
    List<Run> runs = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      TraceRecorder recorder = new TraceRecorder(100, () -> now[0]);
      now[0] = 0;
      recorder.start();
      now[0] = 5_000_000;
      recorder.read(1, 8192, 4096);
      now[0] = 9_000_000;
      recorder.read(0, 0, i == 0 ? 8192 : 4096);
      runs.add(Run.of(Instant.ofEpochSecond(i), "", recorder.snapshot(), DIGESTS));
    }
    Runs all = Runs.of(runs);
    assertThat(all.trace(DIGESTS, 2))
        .containsExactly(new Access(1, 8192, 4096), new Access(0, 0, 4096));
    assertThat(all.trace(DIGESTS, 1))
        .containsExactly(
            new Access(1, 8192, 4096), new Access(0, 0, 4096), new Access(0, 4096, 4096));
    assertThat(all.trace(DIGESTS.subList(0, 1), 1)).hasSize(2);
  }

  @Test
  void aLayerThatAnImageHasTwiceIsOneLayer() {
    // Without times: the order stands for them.
    Trace trace = Trace.of(List.of(new Access(0, 0, 4096), new Access(1, 0, 8192)));
    List<String> twice = List.of(DIGESTS.get(0), DIGESTS.get(0));
    assertThat(Run.of(Instant.EPOCH, "", trace, twice).touches())
        .containsExactly(new Touch(0, 0, 0, 4096), new Touch(1, 0, 4096, 4096));
  }

  @Test
  void damageIsAnErrorOrNothingAndNeverAnotherException() {
    SplittableRandom random = new SplittableRandom(Seeded.fresh());
    BitSet kinds = new BitSet();
    for (int round = 0; round < 20_000; round++) {
      byte[] file = RunsFile.encode(runs(random, 3));
      byte[] damaged = damage(file, random);
      try {
        Runs read = RunsFile.decode("damaged", ByteBuffer.wrap(damaged));
        // With its checksum made right it may be another set; then it is that one's only encoding.
        assertThat(RunsFile.encode(read)).isEqualTo(damaged);
      } catch (TraceFormatException e) {
        kinds.set(e.getMessage().contains("canonical") ? 1 : 0);
      }
    }
    assertThat(kinds.cardinality()).isEqualTo(2);
  }

  /** Flips, cuts or lengthens; half of the time with the checksum and the length made right. */
  private static byte[] damage(byte[] file, SplittableRandom random) {
    byte[] damaged =
        Arrays.copyOf(file, Math.max(0, file.length + (random.nextInt(3) - 1) * random.nextInt(4)));
    for (int i = random.nextInt(4); i > 0 && damaged.length > 0; i--) {
      damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
    }
    if (random.nextBoolean() && damaged.length > RunsFile.HEADER_BYTES) {
      RunsFile.sign(damaged);
    }
    return damaged;
  }

  @Test
  void aNumberOfItemsThatNoFileCanHoldIsRefusedBeforeMemoryIsTaken() {
    byte[] file = new byte[RunsFile.HEADER_BYTES + 5];
    byte[] empty = RunsFile.encode(Runs.of(List.of()));
    System.arraycopy(empty, 0, file, 0, RunsFile.HEADER_BYTES);
    Arrays.fill(file, RunsFile.HEADER_BYTES, file.length - 1, (byte) 0xff);
    file[file.length - 1] = 0x7;
    RunsFile.sign(file);
    assertThatThrownBy(() -> RunsFile.decode("huge", ByteBuffer.wrap(file)))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageContaining("items");
  }
}
