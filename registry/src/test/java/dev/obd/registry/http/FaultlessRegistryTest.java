package dev.obd.registry.http;

import dev.obd.registry.ImageReference;
import dev.obd.registry.Repository;
import dev.obd.registry.RepositoryContract;
import dev.obd.testdata.FaultyRegistry;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The contract against the registry with faults, while it has none: redirects and single tags. */
class FaultlessRegistryTest extends RepositoryContract {
  private FaultyRegistry server;
  private RegistryClient client;

  @BeforeEach
  void start() throws IOException {
    server = FaultyRegistry.with().redirectBlobs(Duration.ofMinutes(1)).start();
    client = new RegistryClient(RegistryOptions.defaults());
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    server.close();
  }

  @Override
  protected Repository repository(String name) {
    return client.repository(ImageReference.parse(server.host() + "/test/" + name));
  }
}
