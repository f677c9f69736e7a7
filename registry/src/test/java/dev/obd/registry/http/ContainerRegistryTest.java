package dev.obd.registry.http;

import dev.obd.registry.ImageReference;
import dev.obd.registry.Repository;
import dev.obd.registry.RepositoryContract;
import dev.obd.testdata.ContainerRegistry;
import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/** The contract against the registry docker ships, where a Docker engine answers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContainerRegistryTest extends RepositoryContract {
  private ContainerRegistry server;
  private RegistryClient client;

  @BeforeAll
  void start() throws IOException {
    ContainerRegistry.assumeAvailable();
    server = ContainerRegistry.start();
    client = new RegistryClient(RegistryOptions.defaults().withPlainHttp(PlainHttp.ALWAYS));
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
