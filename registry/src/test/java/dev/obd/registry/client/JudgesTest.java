package dev.obd.registry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.Platform;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.Repository;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.registry.layout.OciLayout;
import dev.obd.testdata.ProcessRegistry;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** skopeo and umoci read what we write, and we read what they write. */
class JudgesTest {
  @TempDir Path directory;

  private static String run(String... command) throws IOException, InterruptedException {
    Path output = Files.createTempFile("judge", "");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(60, TimeUnit.SECONDS);
    String text = Files.readString(output);
    Files.delete(output);
    if (!ended) {
      process.destroyForcibly();
    }
    assertThat(ended).describedAs(String.join(" ", command) + ": " + text).isTrue();
    assertThat(process.exitValue()).describedAs(String.join(" ", command) + ": " + text).isZero();
    return text;
  }

  private static void skopeo(String... arguments) throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of("skopeo", "--insecure-policy"));
    command.addAll(List.of(arguments));
    run(command.toArray(String[]::new));
  }

  private OciLayout layout(String name) {
    return new OciLayout(directory.resolve(name), RegistryClock.SYSTEM);
  }

  private static void assertSameImage(Repository at, String tag, Descriptor expected)
      throws IOException {
    Images.Image image = Images.read(at, tag, Platform.current());
    assertThat(image.document().descriptor().digest()).isEqualTo(expected.digest());
    for (Descriptor layer : image.manifest().layers()) {
      assertThat(Digest.of(at.blob(layer, 1 << 20))).isEqualTo(layer.digest());
    }
  }

  private static Descriptor image(OciLayout to) throws IOException {
    var manifest = ImagesTest.image(to, 42, Platform.current());
    return to.pushManifest(Optional.of("v1"), manifest.mediaType(), manifest.toBytes());
  }

  @Test
  void skopeoCopiesOurLayoutAndWeReadItsLayout() throws IOException, InterruptedException {
    Tools.requireOnPath("skopeo");
    OciLayout ours = layout("ours");
    Descriptor image = image(ours);
    Path theirs = directory.resolve("theirs");
    skopeo(
        "copy", "--preserve-digests", "oci:" + ours.directory() + ":v1", "oci:" + theirs + ":v2");
    assertSameImage(layout("theirs"), "v2", image);

    // Into a layout of ours, beside what is there.
    skopeo(
        "copy", "--preserve-digests", "oci:" + theirs + ":v2", "oci:" + ours.directory() + ":v3");
    assertThat(ours.tags()).containsExactly("v1", "v3");
    assertThat(ours.gc(Duration.ofSeconds(-1))).isZero();
    assertSameImage(ours, "v1", image);
    assertSameImage(ours, "v3", image);
  }

  @Test
  void umociListsOurLayout() throws IOException, InterruptedException {
    Tools.requireOnPath("umoci");
    OciLayout ours = layout("ours");
    image(ours);
    assertThat(run("umoci", "list", "--layout", ours.directory().toString())).contains("v1");
    assertThat(run("umoci", "stat", "--json", "--image", ours.directory() + ":v1"))
        .contains("history");
    run("umoci", "tag", "--image", ours.directory() + ":v1", "w1");
    run("umoci", "gc", "--layout", ours.directory().toString());
    assertThat(ours.tags()).containsExactly("v1", "w1");
    assertSameImage(ours, "w1", ours.resolve("v1").orElseThrow());
  }

  @Test
  void skopeoAndWeShareARegistry() throws Exception {
    Tools.requireOnPath("skopeo");
    ProcessRegistry.assumeAvailable();
    OciLayout ours = layout("ours");
    Descriptor image = image(ours);
    try (ProcessRegistry server = ProcessRegistry.with().basicAuth().start();
        Repositories repositories =
            new Repositories(
                RegistryOptions.defaults()
                    .withCredentials(target ->
                        new dev.obd.registry.auth.Credential.UserPassword(
                            ProcessRegistry.USER, ProcessRegistry.PASSWORD)));
        Opened pushed = repositories.open(server.host() + "/team/ours:v1");
        Opened theirs = repositories.open(server.host() + "/team/theirs:v1")) {
      try (var executor = java.util.concurrent.Executors.newVirtualThreadPerTaskExecutor()) {
        Images.copy(ours, "v1", pushed.repository(), pushed.tag(), CopyOptions.defaults(executor));
      }
      String creds = ProcessRegistry.USER + ":" + ProcessRegistry.PASSWORD;
      String seen =
          run(
              "skopeo",
              "inspect",
              "--tls-verify=false",
              "--creds=" + creds,
              "docker://" + server.host() + "/team/ours:v1");
      assertThat(seen).contains(image.digest().value());
      Path copy = directory.resolve("copy");
      skopeo(
          "copy",
          "--preserve-digests",
          "--src-tls-verify=false",
          "--src-creds=" + creds,
          "docker://" + server.host() + "/team/ours:v1",
          "oci:" + copy + ":v1");
      assertSameImage(layout("copy"), "v1", image);
      skopeo(
          "copy",
          "--preserve-digests",
          "--dest-tls-verify=false",
          "--dest-creds=" + creds,
          "oci:" + copy + ":v1",
          "docker://" + server.host() + "/team/theirs:v1");
      assertSameImage(theirs.repository(), "v1", image);
      skopeo(
          "copy",
          "--format=v2s2",
          "--dest-tls-verify=false",
          "--dest-creds=" + creds,
          "oci:" + copy + ":v1",
          "docker://" + server.host() + "/team/theirs:docker");
      Images.Image docker = Images.read(theirs.repository(), "docker", Platform.current());
      assertThat(docker.manifest().layers()).hasSize(6);
      assertThat(docker.config(theirs.repository()).diffIds()).hasSize(6);
      assertThat(new String(docker.document().bytes(), StandardCharsets.UTF_8))
          .contains("vnd.docker.distribution.manifest.v2+json");
    }
  }
}
