package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.ProcessRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreCommandsTest {
  @TempDir private Path dir;
  private TestDisk disk;
  private Cli cli;
  private ProcessRegistry registry;

  @BeforeEach
  void prepare() throws IOException, InterruptedException {
    disk = TestDisk.get();
    ProcessRegistry.assumeAvailable();
    registry = ProcessRegistry.start();
    cli = new Cli(dir.resolve("home"));
  }

  @AfterEach
  void stop() throws IOException {
    if (registry != null) {
      registry.close();
    }
  }

  private JsonObject only(Cli where) {
    var images = where.ok("ls", "--json").json().getAsJsonArray("images");
    assertThat(images).hasSize(1);
    return images.get(0).getAsJsonObject();
  }

  private long blobBytesSent() {
    return registry.log().stream()
        .filter(LoggedRequest::isBlobRead)
        .mapToLong(LoggedRequest::bytesSent)
        .sum();
  }

  @Test
  void anEmptyStoreHasNoImages() {
    assertThat(cli.ok("ls").out()).startsWith("NAME").hasLineCount(1);
    assertThat(cli.ok("ls", "--json").json().getAsJsonArray("images")).isEmpty();
  }

  @Test
  void aPushedImageIsPulledWithItsDigestAndWithoutItsLayers() {
    String name = registry.host() + "/app:v1";
    cli.ok("import", disk.raw().toString(), name);
    String digest = only(cli).get("digest").getAsString();
    assertThat(cli.ok("push", name).out()).isEqualTo(name + "@" + digest + "\n");

    registry.clearLog();
    Cli other = new Cli(dir.resolve("other"));
    assertThat(other.ok("pull", name).out()).isEqualTo(name + "@" + digest + "\n");
    JsonObject pulled = only(other);
    assertThat(pulled.get("digest").getAsString()).isEqualTo(digest);
    assertThat(pulled.get("localBytes").getAsLong()).isZero();
    assertThat(pulled.get("layerBytes").getAsLong()).isGreaterThan(1 << 20);
    assertThat(pulled.get("origin").getAsString()).isEqualTo(registry.host() + "/app");
    assertThat(blobBytesSent()).as("the config only").isLessThan(10_000);

    other.ok("pull", "--data", name);
    JsonObject whole = only(other);
    assertThat(whole.get("localBytes")).isEqualTo(whole.get("layerBytes"));
    assertThat(whole.has("origin")).isFalse();
  }

  @Test
  void whatTheRegistryHasIsNotSentAgain() {
    String name = registry.host() + "/app:v1";
    cli.ok("import", disk.raw().toString(), name);
    cli.ok("push", name);
    cli.ok("tag", name, registry.host() + "/app:again");
    registry.clearLog();
    cli.ok("push", registry.host() + "/app:again");
    assertThat(registry.log()).noneMatch(r -> r.method().equals("PATCH"));
    assertThat(registry.log()).anyMatch(r -> r.path().endsWith("/manifests/again"));
  }

  @Test
  void aLayoutsImageIsPushedUnderTheNameThatIsGiven() {
    String layout = "oci:" + dir.resolve("images") + ":v1";
    cli.ok("import", disk.raw().toString(), layout);
    String name = registry.host() + "/deep/er/app:v1";
    cli.ok("push", layout, name);
    assertThat(new Cli(dir.resolve("other")).ok("pull", name).out()).startsWith(name + "@sha256:");
    Cli.Result nowhere = cli.run("push", layout);
    assertThat(nowhere.status()).isEqualTo(2);
    assertThat(nowhere.err()).contains("where to?");
  }

  @Test
  void tagCopiesBetweenStoreAndLayout() {
    cli.ok("import", disk.raw().toString(), "app:v1");
    String layout = "oci:" + dir.resolve("images") + ":v1";
    cli.ok("tag", "app:v1", layout);
    Cli other = new Cli(dir.resolve("other"));
    other.ok("tag", layout, "copy:v1");
    JsonObject copy = only(other);
    assertThat(copy.get("name").getAsString()).isEqualTo("docker.io/library/copy:v1");
    assertThat(copy.get("digest")).isEqualTo(only(cli).get("digest"));
    assertThat(copy.get("localBytes")).isEqualTo(copy.get("layerBytes"));
  }

  @Test
  void aLazilyPulledImageCanBeTaggedAndPushedElsewhere() {
    String name = registry.host() + "/app:v1";
    cli.ok("import", disk.raw().toString(), name);
    cli.ok("push", name);
    Cli other = new Cli(dir.resolve("other"));
    other.ok("pull", name);
    other.ok("tag", name, registry.host() + "/other:v2");
    other.ok("rm", name);
    registry.clearLog();
    other.ok("push", registry.host() + "/other:v2");
    assertThat(registry.log()).as("mounted, not sent").noneMatch(r -> r.method().equals("PATCH"));
    new Cli(dir.resolve("third")).ok("pull", "--data", registry.host() + "/other:v2");
  }

  @Test
  void rmRemovesTheNameAndSaysWhenThereIsNone() {
    cli.ok("import", disk.raw().toString(), "app:v1");
    assertThat(cli.ok("rm", "app:v1").err()).contains("removed docker.io/library/app:v1");
    assertThat(cli.ok("ls", "--json").json().getAsJsonArray("images")).isEmpty();
    Cli.Result again = cli.run("rm", "app:v1");
    assertThat(again.status()).isEqualTo(1);
    assertThat(again.err()).contains("no such image in the local store");
    assertThat(cli.run("rm", "oci:" + dir).status()).isEqualTo(2);
  }

  @Test
  void whatIsNotThereIsSaidInOneLine() {
    Cli.Result push = cli.run("push", "app:v1");
    assertThat(push.status()).isEqualTo(1);
    assertThat(push.err()).hasLineCount(1).contains("app:v1: no such image in the local store");
    Cli.Result pull = cli.run("pull", registry.host() + "/none:v1");
    assertThat(pull.status()).isEqualTo(1);
    assertThat(pull.err()).hasLineCount(1).contains(registry.host() + "/v2/none").contains("404");
    assertThat(cli.run("pull", "oci:" + dir).status()).isEqualTo(2);
    assertThat(cli.run("push", "UPPER/case").status()).isEqualTo(2);
  }

  @Test
  void aRegistryThatIsDownIsAFailureInOneLine() {
    cli.ok("import", disk.raw().toString(), "app:v1");
    Cli.Result result = cli.run("push", "app:v1", "127.0.0.1:9/app:v1");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).hasLineCount(1).contains("127.0.0.1:9");
  }

  @Test
  void aHostThatDoesNotExistIsToldOfSoon() {
    long start = System.nanoTime();
    Cli.Result result = cli.run("pull", "no-such-host.invalid/app:v1");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).contains("no-such-host.invalid");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(25));
  }

  @Test
  void aDamagedImageIsListedAsDamagedAndCanBeRemoved() throws IOException {
    cli.ok("import", disk.raw().toString(), "good:v1");
    cli.ok("import", disk.raw2().toString(), "bad:v1");
    String digest =
        cli.ok("ls", "--json")
            .json()
            .getAsJsonArray("images")
            .get(1)
            .getAsJsonObject()
            .get("digest")
            .getAsString();
    Path manifest = dir.resolve("home/store/blobs/sha256").resolve(digest.substring(7));
    Files.writeString(manifest, "{");
    Cli.Result listed = cli.run("ls");
    assertThat(listed.status()).isEqualTo(1);
    assertThat(listed.out()).contains("good:v1").contains("bad:v1");
    assertThat(listed.err()).contains("bad:v1").contains(digest.substring(7));
    cli.run("rm", "bad:v1");
    assertThat(cli.ok("ls").out()).contains("good:v1").doesNotContain("bad:v1");
  }
}
