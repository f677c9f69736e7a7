package dev.obd.testdata;

import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/** The registry that Docker ships, in a container. For machines where a Docker engine answers. */
public final class ContainerRegistry implements AutoCloseable {
  private static final int PORT = 5000;

  private final GenericContainer<?> container;

  private ContainerRegistry() {
    container =
        new GenericContainer<>(DockerImageName.parse("registry:2"))
            .withExposedPorts(PORT)
            .withEnv("REGISTRY_STORAGE_DELETE_ENABLED", "true")
            .waitingFor(Wait.forHttp("/v2/").forPort(PORT).forStatusCode(200));
  }

  /** Starts one and waits until it answers. */
  public static ContainerRegistry start() {
    var registry = new ContainerRegistry();
    try {
      registry.container.start();
    } catch (RuntimeException e) {
      registry.close();
      throw e;
    }
    return registry;
  }

  /** Why this machine cannot run it, or null if it can. */
  public static @Nullable String unavailableBecause() {
    return DockerClientFactory.instance().isDockerAvailable() ? null : "no Docker engine answers";
  }

  /** Skips the running test, saying why, if this machine cannot run it. */
  public static void assumeAvailable() {
    String reason = unavailableBecause();
    Assumptions.assumeTrue(reason == null, reason);
  }

  /** {@code HOST:PORT}, the first part of a reference. */
  public String host() {
    return container.getHost() + ":" + container.getMappedPort(PORT);
  }

  /** {@code http://HOST:PORT/}. */
  public URI uri() {
    return URI.create("http://" + host() + "/");
  }

  @Override
  public void close() {
    container.close();
  }
}
