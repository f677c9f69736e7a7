package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.Auth;
import dev.obd.testdata.Call;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.Profile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@code obd doctor} finds, and what it says to do about it. */
@Timeout(120)
class DoctorCommandTest {
  private TestHome home;
  private FaultyRegistry registry;
  private String name;
  private Cli cli;

  @BeforeEach
  void push() throws IOException, InterruptedException {
    home = new TestHome();
    TestDisk disk = TestDisk.get();
    registry = FaultyRegistry.with().redirectBlobs(Duration.ofMinutes(5)).start();
    name = registry.host() + "/app:v1";
    Cli maker = new Cli(home.resolve("maker"));
    maker.ok("import", disk.raw().toString(), name);
    maker.ok("push", name);
    cli = new Cli(home.resolve("machine"));
  }

  @AfterEach
  void stop() throws IOException {
    if (registry != null) {
      registry.close();
    }
    home.close();
  }

  private JsonObject examine(int status, String... more) {
    String[] words = new String[more.length + 2];
    words[0] = "doctor";
    words[1] = "--json";
    System.arraycopy(more, 0, words, 2, more.length);
    Cli.Result result = cli.run(words).expect(status);
    JsonObject report = result.json();
    assertThat(report.get("kind").getAsString()).isEqualTo("doctor");
    assertThat(report.get("healthy").getAsBoolean()).isEqualTo(status == 0);
    return report;
  }

  private static List<JsonObject> checks(JsonObject report) {
    return report.getAsJsonArray("checks").asList().stream()
        .map(check -> check.getAsJsonObject())
        .toList();
  }

  private static JsonObject check(JsonObject report, String what) {
    return checks(report).stream()
        .filter(check -> check.get("name").getAsString().equals(what))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no check of " + what + ": " + report));
  }

  private static void isSaid(JsonObject check, String verdict, String finding, String advice) {
    assertThat(check.get("verdict").getAsString()).as(check.toString()).isEqualTo(verdict);
    assertThat(check.get("finding").getAsString()).contains(finding);
    assertThat(check.get("advice").getAsString()).contains(advice);
  }

  private static void isLast(JsonObject report, String what) {
    assertThat(checks(report).getLast().get("name").getAsString()).isEqualTo(what);
  }

  @Test
  void aHealthyImageIsSaidToBeSoInALinePerCheck() {
    Cli.Result result = cli.run("doctor", name).expect(0);
    assertThat(
            result
                .out()
                .lines()
                .filter(line -> line.startsWith("ok    "))
                .map(l -> l.split(" +")[1]))
        .containsExactly(
            "credentials", "manifest", "clock", "layers", "ranges", "speed", "open", "cache");
    assertThat(result.out())
        .contains("warn  trace")
        .contains("→ 'obd record'")
        .contains("to which the registry redirects, answers with what was asked for");
    assertThat(cli.ok("ls", "--json").json().getAsJsonArray("images"))
        .as("nothing is kept")
        .isEmpty();
  }

  @Test
  void whereCredentialsAreWantedItSaysHowToLogIn() throws IOException {
    registry.close();
    registry = FaultyRegistry.with().auth(new Auth.Basic("user", "secret")).start();
    JsonObject report = examine(1, registry.host() + "/app:v1");
    isSaid(check(report, "credentials"), "ok", "none for", "");
    isSaid(check(report, "manifest"), "failed", registry.host(), "docker login " + registry.host());
    isLast(report, "manifest");

    Path wrong =
        Files.writeString(
            home.resolve("cred.json"),
            "{\"auths\":{\""
                + registry.host()
                + "\":{\"username\":\"user\",\"password\":\"old\"}}}",
            StandardCharsets.UTF_8);
    report = examine(1, registry.host() + "/app:v1", "--credentials", wrong.toString());
    isSaid(check(report, "credentials"), "ok", "user user", "");
    isSaid(check(report, "manifest"), "failed", "401", "have they expired");
  }

  @Test
  void credentialsThatCannotBeReadAreSaidToBe() throws IOException {
    Path broken = Files.writeString(home.resolve("cred.json"), "{", StandardCharsets.UTF_8);
    JsonObject report = examine(1, name, "--credentials", broken.toString());
    isSaid(check(report, "credentials"), "failed", "cannot be read", "asks as anybody");
  }

  @Test
  void aTagThatIsNotThereAndARegistryThatIsDownAreToldApart() {
    isSaid(
        check(examine(1, registry.host() + "/app:none"), "manifest"),
        "failed",
        "404",
        "spelled right");
    registry.down();
    isSaid(check(examine(1, name), "manifest"), "failed", registry.host(), "is the registry up");
  }

  @Test
  void anImageOfTheStoreWithoutItsRegistryIsAWarningAndItsReadsAFailure() {
    cli.ok("pull", name);
    registry.down();
    JsonObject report = examine(1, name, "--patience", "3s");
    isSaid(check(report, "manifest"), "warning", "of the local store", "is the registry up");
    isSaid(check(report, "ranges"), "failed", "", "is the registry up");
  }

  @Test
  void aClockThatIsWrongIsNoticed() {
    registry.fault(Call::isManifestRead, new Fault.Dated(Instant.now().plusSeconds(90)));
    JsonObject report = examine(0, name);
    isSaid(check(report, "clock"), "warning", " s behind the registry's", "timedatectl");
    registry.fault(Call::isManifestRead, new Fault.Dated(Instant.now().minusSeconds(4000)));
    isSaid(check(examine(1, name), "clock"), "failed", "ahead of", "certificates");
  }

  @Test
  void aServerWithoutRangesIsAFailureAndTheAdviceHelps() {
    registry.fault(call -> call.isBlobRead() && call.range() != null, new Fault.IgnoredRange());
    isSaid(check(examine(1, name), "ranges"), "failed", "the range was ignored", "obd pull --data");
    assertThat(cli.ok("pull", "--data", name).err()).contains("whole layers");
    assertThat(cli.ok("doctor", name).out()).contains("all on this machine");
  }

  @Test
  void aRegistryFarAwayIsSaidToBeSlowAndWhatHelps() {
    registry.profile(Profile.link(Duration.ofMillis(200), 0));
    isSaid(check(examine(0, name), "speed"), "warning", "a read of 4 KiB takes", "record a trace");
  }

  @Test
  void aRegistryThatNeverAnswersCostsTheGivenTimeAndNoMore() {
    registry.fault(call -> true, new Fault.Delay(Duration.ofMinutes(5)));
    long start = System.nanoTime();
    JsonObject report = examine(1, name, "--patience", "2s");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    isSaid(check(report, "manifest"), "failed", "", "does not answer");
  }

  @Test
  void layoutsAndFilesAreExaminedWithoutARegistry() throws Exception {
    String layout = "oci:" + home.resolve("images") + ":v1";
    cli.ok("import", TestDisk.get().raw().toString(), layout);
    JsonObject report = examine(0, layout);
    isSaid(check(report, "layers"), "ok", "all on this machine", "");
    isSaid(check(report, "open"), "ok", "a disk of 24 MiB", "");
    Path file = GoldenDisks.file("c1-z-lz4-4k/layer.obd");
    isSaid(check(examine(0, file.toString()), "open"), "ok", "a disk of", "");
    Path damaged = home.resolve("damaged.obd");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(damaged, java.util.Arrays.copyOf(bytes, bytes.length - 600));
    isSaid(check(examine(1, damaged.toString()), "open"), "failed", "damaged.obd", "obd inspect");
    assertThat(cli.run("doctor", "Bad:Name:").status()).isEqualTo(2);
  }
}
