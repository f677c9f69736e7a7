package dev.obd.registry.client;

import dev.obd.registry.Repository;
import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;

/**
 * A repository and what was said of an image in it.
 *
 * @param named the tag or digest that was given
 * @param tagOrDigest what to read: {@code named}, else the only image of a layout, else {@code
 *     latest}
 */
public record Opened(Repository repository, Optional<String> named, String tagOrDigest)
    implements Closeable {
  /** What messages call the image. */
  public String name() {
    return repository.name() + (tagOrDigest.startsWith("sha256:") ? "@" : ":") + tagOrDigest;
  }

  /** Where to write: the given tag, else {@code latest}; empty if a digest was given. */
  public Optional<String> tag() {
    String given = named.orElse("latest");
    return given.startsWith("sha256:") ? Optional.empty() : Optional.of(given);
  }

  @Override
  public void close() throws IOException {
    repository.close();
  }
}
