package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.registry.Descriptor;
import dev.obd.registry.ImageReference;
import dev.obd.registry.Progress;
import dev.obd.registry.Repository;
import dev.obd.registry.RepositoryContract;
import dev.obd.registry.auth.Credential;
import dev.obd.registry.auth.CredentialProvider;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.ProcessRegistry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The contract against Debian's docker-registry: open, with Basic and with bearer tokens. */
class RealRegistryTest {
  static final CredentialProvider LOGIN =
      target -> new Credential.UserPassword(ProcessRegistry.USER, ProcessRegistry.PASSWORD);

  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class Served extends RepositoryContract {
    private ProcessRegistry server;
    private RegistryClient client;

    abstract ProcessRegistry.Builder kind();

    RegistryOptions options() {
      return RegistryOptions.defaults().withCredentials(LOGIN);
    }

    ProcessRegistry server() {
      return server;
    }

    @BeforeAll
    void start() throws IOException, InterruptedException {
      ProcessRegistry.assumeAvailable();
      server = kind().start();
      client = new RegistryClient(options());
    }

    @AfterAll
    void stop() throws IOException {
      if (server != null) {
        client.close();
        server.close();
      }
    }

    @Override
    protected Repository repository(String name) {
      return client.repository(ImageReference.parse(server.host() + "/test/" + name));
    }

    @Override
    protected boolean removesSingleTags() {
      return false;
    }
  }

  @Nested
  class Open extends Served {
    @Override
    ProcessRegistry.Builder kind() {
      return ProcessRegistry.with();
    }

    @Test
    void connectionsAreUsedAgain() throws IOException {
      try (Repository repository = repository("reuse")) {
        Descriptor blob = push(repository, random(1, 100_000));
        range(repository.open(blob), 0, 1000);
        long before = server().connections();
        for (int i = 0; i < 20; i++) {
          range(repository.open(blob), i * 1000L, 1000);
          assertThat(repository.has(blob.digest())).isTrue();
        }
        assertThat(server().connections()).isEqualTo(before);
      }
    }

    @Test
    void aReadOfARangeIsOneRequestForThatRange() throws IOException {
      try (Repository repository = repository("one-request")) {
        Descriptor blob = push(repository, random(2, 100_000));
        server().clearLog();
        range(repository.open(blob), 5000, 7000);
        assertThat(server().log())
            .extracting(LoggedRequest::range)
            .containsExactly("bytes=5000-11999");
      }
    }
  }

  @Nested
  class WithBasicAuthentication extends Served {
    @Override
    ProcessRegistry.Builder kind() {
      return ProcessRegistry.with().basicAuth();
    }
  }

  @Nested
  class WithTokensThatLiveTwoSeconds extends Served {
    @Override
    ProcessRegistry.Builder kind() {
      return ProcessRegistry.with().tokenAuth(Duration.ofSeconds(2));
    }
  }

  @Nested
  class InSmallChunks extends Served {
    @Override
    ProcessRegistry.Builder kind() {
      return ProcessRegistry.with();
    }

    @Override
    RegistryOptions options() {
      return super.options().withUploadChunkBytes(10_000);
    }

    @Test
    void aLargeBlobGoesUpInChunks() throws IOException {
      byte[] bytes = random(3, 95_000);
      try (Repository repository = repository("chunks")) {
        server().clearLog();
        long[] last = new long[1];
        repository.push(
            layer(bytes),
            () -> new ByteArrayInputStream(bytes),
            (Progress) (done, total) -> last[0] = done);
        assertThat(last[0]).isEqualTo(95_000);
        List<LoggedRequest> log = server().log();
        assertThat(log).filteredOn(r -> r.method().equals("PATCH")).hasSize(10);
        assertThat(repository.blob(layer(bytes), 95_000)).isEqualTo(bytes);
      }
    }
  }
}
