package dev.obd.cli.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.config.ConfigException;
import dev.obd.backstore.config.ServiceConfigReader;
import dev.obd.registry.auth.DockerCredentials;
import dev.obd.registry.auth.OverlaybdCredentials;
import dev.obd.registry.http.RegistryOptions;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistrySettingsTest {
  @TempDir private Path directory;

  private static RegistryOptions of(String json) throws IOException {
    return RegistrySettings.of(
        ServiceConfigReader.parse("test", json),
        "1.0",
        Map.of("HTTPS_PROXY", "http://proxy:3128", "NO_PROXY", "near"));
  }

  @Test
  void whatOverlaybdsConfigurationSaysOfRegistriesIsDone() throws IOException {
    Path credentials = Files.writeString(directory.resolve("cred.json"), "{\"auths\":{}}");
    RegistryOptions options =
        of(
            """
            {"p2pConfig": {"enable": true, "address": "http://localhost:9731/accelerator"},
             "credentialConfig": {"mode": "file", "path": "%s"}, "userAgent": "me/1"}
            """
                .formatted(credentials));
    assertThat(options.network().accelerator())
        .contains(URI.create("http://localhost:9731/accelerator"));
    assertThat(options.network().proxies().tls()).contains(URI.create("http://proxy:3128"));
    assertThat(options.credentials()).isInstanceOf(OverlaybdCredentials.class);
    assertThat(options.userAgent()).isEqualTo("me/1");
  }

  @Test
  void withoutAFileOfOverlaybdsDockersCredentialsAreUsed() throws IOException {
    RegistryOptions options = of("{\"credentialFilePath\": \"/nonexistent/cred.json\"}");
    assertThat(options.credentials()).isInstanceOf(DockerCredentials.class);
    assertThat(options.network().accelerator()).isEmpty();
    assertThat(options.userAgent()).isEqualTo("obd/1.0");
  }

  @Test
  void aCredentialServiceWithoutAnAddressIsRefusedByName() {
    assertThatThrownBy(() -> of("{\"credentialConfig\": {\"mode\": \"http\"}}"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("credentialConfig");
  }
}
