package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.ProcessRegistry;
import dev.obd.testdata.Tools;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Registries that want to know who asks, and docker's configuration that says so. */
class AuthenticationEndToEndTest {
  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"basic", "token"})
  void credentialsComeFromDockersConfiguration(String kind) throws Exception {
    TestDisk disk = TestDisk.get();
    ProcessRegistry.assumeAvailable();
    Tools.requireOnPath("nbdcopy");
    ProcessRegistry.Builder how = ProcessRegistry.with();
    how = kind.equals("basic") ? how.basicAuth() : how.tokenAuth(Duration.ofSeconds(60));
    try (ProcessRegistry registry = how.start();
        TestHome home = new TestHome()) {
      String name = registry.host() + "/secret/app:v1";
      Path docker = Files.createDirectories(home.resolve("docker"));
      Map<String, String> environment = Map.of("DOCKER_CONFIG", docker.toString());
      new Cli(home.resolve("maker")).ok("import", disk.raw().toString(), name);

      try (ObdProcess refused =
          ObdProcess.start(home.resolve("maker"), environment, "push", name)) {
        assertThat(refused.await()).isEqualTo(1);
        assertThat(refused.err()).hasLineCount(1).contains(registry.host());
      }
      String secret = ProcessRegistry.USER + ":" + ProcessRegistry.PASSWORD;
      String auth = Base64.getEncoder().encodeToString(secret.getBytes(StandardCharsets.UTF_8));
      Files.writeString(
          docker.resolve("config.json"),
          "{\"auths\": {\"%s\": {\"auth\": \"%s\"}}}".formatted(registry.host(), auth));
      try (ObdProcess push = ObdProcess.start(home.resolve("maker"), environment, "push", name)) {
        assertThat(push.await()).as(push.err()).isZero();
        assertThat(push.out() + push.err()).doesNotContain(ProcessRegistry.PASSWORD);
      }
      Path reader = home.resolve("reader");
      try (ObdProcess server =
          ObdProcess.start(
              reader, environment, "serve", name, "--nbd", "unix:" + home.resolve("nbd.sock"))) {
        TestDisk.assertSame(disk.raw(), TestDisk.download(server.uri(), home.resolve("got.raw")));
        assertThat(server.stop()).as(server.err()).isZero();
      }
    }
  }
}
