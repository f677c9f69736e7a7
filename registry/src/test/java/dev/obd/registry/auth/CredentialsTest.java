package dev.obd.registry.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.auth.CredentialProvider.Target;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CredentialsTest {
  @TempDir Path directory;

  private static final Target TARGET = target("reg.example:5000", "team/app");
  private static final Target DOCKER =
      new Target(
          "docker.io",
          "registry-1.docker.io",
          "library/ubuntu",
          URI.create("https://registry-1.docker.io/v2/library/ubuntu/blobs"));

  private static Target target(String host, String repository) {
    return new Target(
        host, host, repository, URI.create("https://" + host + "/v2/" + repository + "/blobs"));
  }

  private static String auth(String pair) {
    return Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
  }

  private static Credential login(String user, String password) {
    return new Credential.UserPassword(user, password);
  }

  private Path file(String json) throws IOException {
    return Files.writeString(directory.resolve("file.json"), json);
  }

  private Credential docker(String json, Target target) throws IOException {
    return new DockerCredentials(file(json), new CredentialHelper(Duration.ofSeconds(10)))
        .find(target);
  }

  private Credential overlaybd(String json, Target target) throws IOException {
    return new OverlaybdCredentials(file(json)).find(target);
  }

  @Test
  void dockersFileIsReadByHost() throws IOException {
    String json =
        "{\"auths\":{\"other\":{\"auth\":\"%s\"},\"reg.example:5000\":{\"auth\":\"%s\"}}}"
            .formatted(auth("x:y"), auth("u:p:q"));
    assertThat(docker(json, TARGET)).isEqualTo(login("u", "p:q"));
    assertThat(docker(json, target("reg.example", "team/app"))).isEqualTo(Credential.ANONYMOUS);
  }

  @Test
  void dockersMostSpecificEntryWins() throws IOException {
    String json =
        "{\"auths\":{\"reg.example:5000\":{\"auth\":\"%s\"},\"reg.example:5000/team/app\":{\"auth\":\"%s\"}}}"
            .formatted(auth("a:1"), auth("b:2"));
    assertThat(docker(json, TARGET)).isEqualTo(login("b", "2"));
    assertThat(docker(json, target("reg.example:5000", "team"))).isEqualTo(login("a", "1"));
  }

  @Test
  void dockersEntriesMayBeUrls() throws IOException {
    String json = "{\"auths\":{\"https://%s/v2/\":{\"username\":\"u\",\"password\":\"p\"}}}";
    assertThat(docker(json.formatted("reg.example:5000"), TARGET)).isEqualTo(login("u", "p"));
    assertThat(
            docker(
                "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"" + auth("u:p") + "\"}}}",
                DOCKER))
        .isEqualTo(login("u", "p"));
  }

  @Test
  void dockersTokensAreTokens() throws IOException {
    assertThat(docker("{\"auths\":{\"reg.example:5000\":{\"identitytoken\":\"t\"}}}", TARGET))
        .isEqualTo(new Credential.IdentityToken("t"));
  }

  @Test
  void noFileOrNoEntryIsNobody() throws IOException {
    var nothing =
        new DockerCredentials(
            directory.resolve("none"), new CredentialHelper(Duration.ofSeconds(1)));
    assertThat(nothing.find(TARGET)).isEqualTo(Credential.ANONYMOUS);
    assertThat(new OverlaybdCredentials(directory.resolve("none")).find(TARGET))
        .isEqualTo(Credential.ANONYMOUS);
    assertThat(docker("{}", TARGET)).isEqualTo(Credential.ANONYMOUS);
    assertThat(docker("{\"auths\":{\"reg.example:5000\":{}}}", TARGET))
        .isEqualTo(Credential.ANONYMOUS);
  }

  @Test
  void aDamagedFileIsNamed() throws IOException {
    for (String json :
        List.of("", "[]", "{\"auths\":3}", "{\"auths\":{\"reg.example:5000\":1}}", "{'a':1}")) {
      assertThatThrownBy(() -> docker(json, TARGET))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("file.json");
      assertThatThrownBy(() -> overlaybd(json, TARGET)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void overlaybdTakesTheFirstEntryInTheFilesOrder() throws IOException {
    String json =
        "{\"auths\":{\"reg.example:5000/te\":{\"auth\":\"%s\"},\"reg.example:5000/team\":{\"auth\":\"%s\"},\"reg.example:5000/team/app\":{\"auth\":\"%s\"}}}"
            .formatted(auth("no:0"), auth("a:1"), auth("b:2"));
    assertThat(overlaybd(json, TARGET)).isEqualTo(login("a", "1"));
    assertThat(overlaybd(json, target("reg.example:5000", "other")))
        .isEqualTo(Credential.ANONYMOUS);
  }

  @Test
  void overlaybdSkipsAnAuthWithoutColon() throws IOException {
    String json =
        "{\"auths\":{\"reg.example:5000\":{\"auth\":\"%s\"},\"reg.example:5000/team\":{\"username\":\"u\",\"password\":\"p\"}}}"
            .formatted(auth("nocolon"));
    assertThat(overlaybd(json, TARGET)).isEqualTo(login("u", "p"));
  }

  @Test
  void overlaybdMatchesTheHostThatAnswers() throws IOException {
    String json = "{\"auths\":{\"registry-1.docker.io\":{\"auth\":\"%s\"}}}".formatted(auth("u:p"));
    assertThat(overlaybd(json, DOCKER)).isEqualTo(login("u", "p"));
  }

  @Test
  void theFirstProviderThatKnowsIsAsked() throws IOException {
    CredentialProvider both =
        CredentialProvider.firstOf(List.of(CredentialProvider.NONE, t -> login("u", "p")));
    assertThat(both.find(TARGET)).isEqualTo(login("u", "p"));
  }

  @Test
  void passwordsAreNeverPrinted() {
    assertThat(login("u", "secret").toString()).doesNotContain("secret");
    assertThat(new Credential.IdentityToken("secret").toString()).doesNotContain("secret");
    assertThat(new Credential.BearerToken("secret").toString()).doesNotContain("secret");
  }

  @Test
  void theConfigIsWhereDockerHasIt() {
    assertThat(DockerCredentials.defaultPath(Map.of(), Path.of("/home/u")))
        .isEqualTo(Path.of("/home/u/.docker/config.json"));
    assertThat(DockerCredentials.defaultPath(Map.of("DOCKER_CONFIG", "/d"), Path.of("/home/u")))
        .isEqualTo(Path.of("/d/config.json"));
  }

  private CredentialHelper helper(String script, Duration patience) throws IOException {
    Path program = directory.resolve("docker-credential-test");
    Files.writeString(program, "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    return new CredentialHelper(patience, name -> directory.resolve(name).toString());
  }

  private Credential helped(String script) throws IOException {
    return helper(script, Duration.ofSeconds(20)).get("test", "reg.example:5000");
  }

  @Test
  void aHelperIsAskedForTheHost() throws IOException {
    assertThat(
            helped(
                "read host; [ \"$1\" = get ] && echo \"{\\\"ServerURL\\\":\\\"x\\\",\\\"Username\\\":\\\"$host\\\",\\\"Secret\\\":\\\"s\\\"}\""))
        .isEqualTo(login("reg.example:5000", "s"));
    assertThat(helped("echo '{\"Username\":\"<token>\",\"Secret\":\"s\"}'"))
        .isEqualTo(new Credential.IdentityToken("s"));
  }

  @Test
  void aHelperNamedForTheRegistryIsPreferred() throws IOException {
    CredentialHelper helper =
        helper("echo '{\"Username\":\"h\",\"Secret\":\"s\"}'", Duration.ofSeconds(20));
    Path config =
        file(
            "{\"credHelpers\":{\"reg.example:5000\":\"test\"},\"auths\":{\"reg.example:5000\":{\"auth\":\"%s\"}}}"
                .formatted(auth("a:b")));
    assertThat(new DockerCredentials(config, helper).find(TARGET)).isEqualTo(login("h", "s"));
  }

  @Test
  void aHelperThatKnowsNothingLeavesItToTheFile() throws IOException {
    CredentialHelper helper =
        helper("echo 'credentials not found in native keychain'; exit 1", Duration.ofSeconds(20));
    Path config =
        file(
            "{\"credsStore\":\"test\",\"auths\":{\"reg.example:5000\":{\"auth\":\"%s\"}}}"
                .formatted(auth("a:b")));
    assertThat(new DockerCredentials(config, helper).find(TARGET)).isEqualTo(login("a", "b"));
  }

  @Test
  void aHelperThatFailsTalksNonsenseOrNeverEndsIsNamed() throws IOException {
    for (String script : List.of("echo boom; exit 3", "echo '[]'", "yes '{' | head -c 1000000")) {
      assertThatThrownBy(() -> helped(script))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("docker-credential-test");
    }
    assertThatThrownBy(() -> helper("sleep 60", Duration.ofMillis(300)).get("test", "h"))
        .hasMessageContaining("no answer within 300 ms");
  }

  @Test
  void aHelperIsANameNotAPath() {
    for (String name : List.of("", "../x", "a/b", "a b", "-x")) {
      assertThatThrownBy(() -> new CredentialHelper(Duration.ofSeconds(1)).get(name, "h"))
          .hasMessageContaining("bad name");
    }
  }
}
