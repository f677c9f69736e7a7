package dev.obd.backstore.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.obd.backstore.startlog.StartEvent;
import dev.obd.backstore.startlog.StartEvent.Kind;
import dev.obd.backstore.startlog.StartLog;
import dev.obd.backstore.startlog.StartLog.Layer;
import dev.obd.backstore.startlog.StartLog.Planned;
import dev.obd.io.ReadContext.Purpose;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page, in a real browser. */
class ExplanationPageTest {
  private static final Pattern FIELD =
      Pattern.compile("data-field=\"([^\"]+)\" data-value=\"([^\"]+)\"");

  /** Around the page, to see what it does at a width: a window cannot be as narrow. */
  private static final String FRAME =
      """
      <!doctype html><iframe id="f" style="width:%dpx;height:3000px;border:0" srcdoc="%s"></iframe>
      <script>onload=()=>{const d=document.getElementById("f").contentDocument;
      document.body.dataset.overflow=d.documentElement.scrollWidth-d.documentElement.clientWidth;
      d.querySelector("svg[tabindex]").dispatchEvent(new KeyboardEvent("keydown",{key:"End"}));
      document.body.dataset.detail=d.getElementById("detail").textContent;
      document.body.dataset.text=d.documentElement.outerHTML.split('<script')[0]}</script>
      """;

  @TempDir Path directory;

  /** A start of many reads, some of which were prefetched, some late, some missed. */
  static StartLog start(int reads) {
    var random = new SplittableRandom(4);
    List<StartEvent> events = new ArrayList<>();
    List<Planned> planned = new ArrayList<>();
    long unit = 65536;
    long now = 40_000;
    for (int i = 0; i < reads; i++) {
      int layer = random.nextInt(3);
      long offset = unit * random.nextLong(Math.max(200, reads));
      long fetch = now - 30_000 + random.nextLong(50_000);
      boolean ahead = random.nextInt(4) > 0;
      long begin = ahead ? Math.max(0, fetch) : now;
      long arrived = begin + 8_000 + random.nextLong(12_000);
      long end = Math.max(now + 200, arrived + 100);
      Purpose purpose = ahead ? Purpose.REPLAY : Purpose.DEMAND;
      long wire = ahead ? 1_000_000 + i : i;
      for (Kind kind : List.of(Kind.WIRE, Kind.TURN)) {
        events.add(
            new StartEvent(kind, wire, begin, arrived, layer, offset, unit, purpose, false, true));
      }
      if (ahead) {
        planned.add(new Planned(layer, offset, unit));
      }
      if (!ahead || random.nextInt(5) > 0) {
        events.add(
            new StartEvent(
                Kind.BLOB, i, now, end, layer, offset + 100, 9000, Purpose.DEMAND, false, true));
        events.add(
            new StartEvent(
                Kind.DISK, i, now, end, -1, offset * 2, 16384, Purpose.DEMAND, false, true));
      }
      now += random.nextLong(4_000) + (i % 50 == 0 ? 60_000 : 0);
    }
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      layers.add(
          new Layer(
              "registry.example/a-name-that-is-rather-long/app@sha256:" + "0123abcd".repeat(8),
              "sha256:" + i,
              unit * Math.max(200, reads),
              unit,
              unit));
    }
    return new StartLog(
        "registry.example/<b>app</b>:v1 </script>",
        1L << 40,
        layers,
        planned,
        planned,
        events,
        now,
        0);
  }

  private static Explanation explain(StartLog log) {
    return new Explainer(
            25,
            Optional.of(new Link(60_000, 3_125_000)),
            Optional.empty(),
            (offset, length) -> Optional.of("/usr/lib/a/deep/directory/with/file-" + offset))
        .explain(log);
  }

  private record Seen(String dom, String console) {}

  private Seen browse(Path page, String... more) throws IOException, InterruptedException {
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/chromium")), "SKIPPED: no /usr/bin/chromium here");
    List<String> command =
        new ArrayList<>(
            List.of(
                "/usr/bin/chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--user-data-dir=" + directory.resolve("profile"),
                "--enable-logging=stderr",
                "--virtual-time-budget=3000",
                "--dump-dom"));
    command.addAll(List.of(more));
    command.add(page.toUri().toString());
    Path out = directory.resolve("dom");
    Path err = directory.resolve("console");
    Process browser =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    if (!browser.waitFor(120, TimeUnit.SECONDS)) {
      browser.destroyForcibly();
      throw new AssertionError("the browser does not end\n" + Files.readString(err));
    }
    return new Seen(Files.readString(out), Files.readString(err));
  }

  private static String attribute(String text) {
    return text.replace("&", "&amp;").replace("\"", "&quot;");
  }

  @Test
  void theNumbersInTheBrowserAreThoseOfTheExplanationAndNothingOverflows() throws Exception {
    StartLog log = start(600);
    Explanation explained = explain(log);
    String page =
        ExplanationPage.of(
            log, explained, (offset, length) -> Optional.of("/usr/lib/file-" + offset));
    assertThat(page)
        .doesNotContain("https:", "src=", "href=", "@import", "url(", "fetch(")
        .contains("\\u003c/script");
    for (int width : new int[] {1280, 380}) {
      Path frame = directory.resolve("frame-" + width + ".html");
      Files.writeString(frame, FRAME.formatted(width, attribute(page)));
      Seen seen = browse(frame, "--window-size=1400,3000");
      assertThat(seen.console()).as(seen.console()).doesNotContain("CONSOLE");
      assertThat(seen.dom()).contains("data-overflow=\"0\"").contains("data-detail=\"reads, ");
      Map<String, String> fields = new HashMap<>();
      Matcher m = FIELD.matcher(seen.dom().replace("&quot;", "\""));
      while (m.find()) {
        fields.put(m.group(1), m.group(2));
      }
      assertThat(fields)
          .containsEntry("wire.bytes", explained.wire().bytes() + "")
          .containsEntry("wire.requests", explained.wire().requests() + "")
          .containsEntry("time.endMicros", explained.time().endMicros() + "")
          .containsEntry("time.stalledMicros", explained.time().stalledMicros() + "")
          .containsEntry("time.reads", explained.time().reads() + "")
          .containsEntry("stalls.chainMicros", explained.stalls().chainMicros() + "");
      explained
          .classes()
          .forEach(
              (c, n) -> assertThat(fields.get("classes." + c)).isEqualTo(n == 0 ? null : n + ""));
    }
  }

  @Test
  void aLongLogMakesAPageOfTheSameOrderOfSize() throws IOException {
    StartLog log = start(50_000);
    PageView view = PageView.of(log, FileNames.NONE);
    assertThat(view.lanes()).allMatch(lane -> lane.spans().size() <= 1501);
    assertThat(view.lanes().getFirst().spans().stream().mapToLong(PageView.Span::count).sum())
        .isEqualTo(Timeline.of(log).reads().size());
    assertThat(view.arrived().getLast().bytes()).isEqualTo(50_000L * 65536);
    assertThat(view.arrived()).hasSizeLessThan(1600);
  }

  @Test
  void namesOfFilesAreCutAndPrintable() throws IOException {
    PageView view =
        PageView.of(start(10), (offset, length) -> Optional.of("/\u202e" + "x".repeat(60_000)));
    assertThat(view.lanes().getFirst().spans())
        .allMatch(span -> span.label().length() <= 200)
        .allMatch(span -> span.label().contains("/\uFFFDxxx"));
  }
}
