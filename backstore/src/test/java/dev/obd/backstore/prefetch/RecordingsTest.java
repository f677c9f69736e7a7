package dev.obd.backstore.prefetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.Digest;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.runs.Run;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordingsTest {
  private static final String BASE = "sha256:" + "1".repeat(64);
  private static final String APP = "sha256:" + "2".repeat(64);
  private static final String FOREIGN = "sha256:" + "3".repeat(64);
  private static final List<String> LAYERS = List.of(APP, BASE);

  private static Run run(int second, String name, List<String> layers, long... reads) {
    List<Access> accesses = new ArrayList<>();
    long[] micros = new long[reads.length];
    for (int i = 0; i < reads.length; i++) {
      accesses.add(new Access(0, reads[i], 4096));
      micros[i] = 1_000_000L * (i + 1);
    }
    Trace trace = Trace.of(accesses).withMicros(micros);
    return Run.of(Instant.ofEpochSecond(second), name, trace, layers);
  }

  private static Trace replay(Recordings recordings, String name, PrefetchBudget budget)
      throws IOException {
    return recordings.replay(LAYERS, Optional.of(name).filter(n -> !n.isEmpty()), budget);
  }

  private static final Recordings TWO_PROGRAMS =
      Recordings.of(
              Runs.of(
                  List.of(
                      run(1, "java", List.of(APP), 0, 1 << 20),
                      run(2, "java", List.of(APP), 0, 2 << 20),
                      run(3, "python", List.of(BASE), 5 << 20))))
          .and(Runs.NONE);

  @Test
  void runsAreReplayedByTheImagesOwnNumbersOfLayersAtTheirTimes() throws IOException {
    Trace all = replay(TWO_PROGRAMS, "", new PrefetchBudget.Unlimited());
    assertThat(all)
        .containsExactlyInAnyOrder(
            new Access(0, 0, 4096),
            new Access(0, 1 << 20, 4096),
            new Access(0, 2 << 20, 4096),
            new Access(1, 5 << 20, 4096));
    assertThat(all.micros(0)).isEqualTo(1_000_000);
    assertThat(all.micros(3)).isEqualTo(2_000_000);
  }

  @Test
  void ofSeveralProgramsOneCanBeChosenAndAWrongNameSaysWhichThereAre() throws IOException {
    assertThat(replay(TWO_PROGRAMS, "python", new PrefetchBudget.Unlimited()))
        .containsExactly(new Access(1, 5 << 20, 4096));
    assertThatThrownBy(() -> replay(TWO_PROGRAMS, "ruby", new PrefetchBudget.Unlimited()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("'ruby'")
        .hasMessageContaining("[java, python]");
    assertThatThrownBy(
            () -> replay(Recordings.of(Trace.EMPTY), "ruby", new PrefetchBudget.Unlimited()))
        .hasMessageContaining("there are none");
  }

  @Test
  void runsOfOtherLayersGiveWayToTheTrace() throws IOException {
    Trace trace = Trace.of(List.of(new Access(1, 0, 512)));
    Runs foreign = Runs.of(List.of(run(1, "app", List.of(FOREIGN), 0)));
    assertThat(replay(Recordings.of(trace).and(foreign), "", new PrefetchBudget.Unlimited()))
        .containsExactlyElementsOf(trace);
    assertThat(replay(Recordings.of(foreign), "", new PrefetchBudget.Unlimited())).isEmpty();
    assertThat(replay(Recordings.NONE, "", new PrefetchBudget.Unlimited())).isEmpty();
  }

  @Test
  void underABudgetWhatMostRunsReadIsFetchedInTheOrderOfTheFirstTouch() throws IOException {
    assertThat(replay(TWO_PROGRAMS, "java", new PrefetchBudget.Bytes(4096)))
        .containsExactly(new Access(0, 0, 4096));
    assertThat(replay(TWO_PROGRAMS, "java", new PrefetchBudget.Bytes(3 * 4096))).hasSize(3);
    assertThat(replay(TWO_PROGRAMS, "java", new PrefetchBudget.Bytes(0))).isEmpty();
    assertThat(replay(TWO_PROGRAMS, "java", new PrefetchBudget.Time(Duration.ofSeconds(1))))
        .hasSize(3);
    Trace trace =
        Trace.of(
            List.of(new Access(0, 0, 1 << 20), new Access(1, 0, 4096), new Access(0, 0, 1 << 20)));
    assertThat(replay(Recordings.of(trace), "", new PrefetchBudget.Bytes(1 << 19)))
        .containsExactly(new Access(1, 0, 4096));
    assertThat(replay(Recordings.of(trace), "", new PrefetchBudget.Bytes(2 << 20)))
        .containsExactly(new Access(0, 0, 1 << 20), new Access(1, 0, 4096));
  }

  @Test
  void choicesAndBudgetsAreReadAsTheyWereWritten() {
    for (TraceChoice choice :
        List.of(
            new TraceChoice.All(),
            new TraceChoice.None(),
            new TraceChoice.Named("none"),
            new TraceChoice.Named("a:b c"),
            new TraceChoice.File(Path.of("/x/y:z")))) {
      assertThat(TraceChoice.parse(choice.text())).isEqualTo(choice);
    }
    for (PrefetchBudget budget :
        List.of(
            new PrefetchBudget.Unlimited(),
            new PrefetchBudget.Bytes(12345),
            new PrefetchBudget.Time(Duration.ofMillis(1500)))) {
      assertThat(PrefetchBudget.parse(budget.text())).isEqualTo(budget);
    }
    assertThatThrownBy(() -> TraceChoice.parse("java"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PrefetchBudget.parse("much"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PrefetchBudget.parse("-1"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void localRunsAddUpByImageAndWhatIsDamagedIsKeptAside(@TempDir Path dir) throws IOException {
    LocalRuns local = new LocalRuns(dir.resolve("traces"));
    Digest image = new Digest(APP);
    assertThat(local.has(image)).isFalse();
    assertThat(local.of(image).isEmpty()).isTrue();
    local.add(image, run(1, "java", List.of(APP), 0));
    local.add(image, run(2, "java", List.of(APP), 4096));
    assertThat(local.of(image).runs()).hasSize(2);
    assertThat(local.has(new Digest(BASE))).isFalse();
    byte[] newer = Files.readAllBytes(local.file(image));
    newer[8]++; // the version
    Files.write(local.file(image), newer);
    assertThatThrownBy(() -> local.add(image, run(3, "java", List.of(APP), 0)))
        .hasMessageContaining("version");
    assertThat(local.file(image)).hasBinaryContent(newer);
    Files.write(local.file(image), new byte[] {1, 2, 3});
    assertThatThrownBy(() -> local.of(image)).isInstanceOf(IOException.class);
    local.add(image, run(3, "java", List.of(APP), 0));
    assertThat(RunsFile.read(local.file(image)).runs()).hasSize(1);
    assertThat(dir.resolve("traces/" + local.file(image).getFileName() + ".damaged"))
        .hasBinaryContent(new byte[] {1, 2, 3});
  }

  @Test
  void ofSeveralWhoAddLocalRunsAtOnceNoneLosesItsOwn(@TempDir Path dir) throws Exception {
    Digest image = new Digest(APP);
    List<Future<?>> adding = new ArrayList<>();
    try (var threads = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < 16; i++) {
        Run run = run(i + 1, "java", List.of(APP), 0);
        adding.add(threads.submit(() -> new LocalRuns(dir).add(image, run)));
      }
    }
    for (Future<?> each : adding) {
      each.get();
    }
    assertThat(new LocalRuns(dir).of(image).runs()).hasSize(16);
  }

  @Test
  void anUnpackedLayerMayLackOneOfItsMembers(@TempDir Path dir) throws IOException {
    Runs runs = Runs.of(List.of(run(1, "java", List.of(APP), 0)));
    Files.write(dir.resolve("runs"), Recordings.encode(runs));
    assertThat(Recordings.unpacked(dir).runs()).isEqualTo(runs);
    assertThat(Recordings.read(dir.resolve("runs")).runs()).isEqualTo(runs);
    Files.write(dir.resolve("trace"), new byte[] {7});
    assertThat(Recordings.unpacked(dir).trace()).isEmpty();
    Files.write(dir.resolve("runs"), new byte[] {7});
    assertThatThrownBy(() -> Recordings.unpacked(dir)).isInstanceOf(IOException.class);
  }

  @Test
  void whatCouldNotBeReadIsMissingWhateverComesBesides() throws IOException {
    Recordings part = Recordings.NONE.without("the image's trace", new IOException("status 503"));
    Recordings both = part.and(TWO_PROGRAMS);
    assertThat(both.missing()).contains("the image's trace could not be read: status 503");
    assertThat(both.runs()).isEqualTo(TWO_PROGRAMS.runs());
    assertThat(TWO_PROGRAMS.and(part).missing()).isEqualTo(both.missing());
    assertThat(TWO_PROGRAMS.missing()).isEmpty();
  }

  @Test
  void namesOfRunsDoNotReachTheTerminalAsTheyAre() {
    Recordings evil = Recordings.of(Runs.of(List.of(run(1, "a\u001b[2J", List.of(APP), 0))));
    assertThatThrownBy(() -> replay(evil, "x\u202e", new PrefetchBudget.Unlimited()))
        .hasMessageContaining("[a\uFFFD[2J]")
        .hasMessageContaining("'x\uFFFD'");
  }
}
