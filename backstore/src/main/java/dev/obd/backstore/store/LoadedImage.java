package dev.obd.backstore.store;

import dev.obd.registry.Descriptor;
import dev.obd.registry.ImageConfig;
import dev.obd.registry.ImageReference;
import dev.obd.registry.Manifest;
import dev.obd.registry.Repository;
import dev.obd.registry.layout.OciLayout;
import java.io.IOException;
import java.util.Optional;

/**
 * An image's manifest and config, and where its blobs are.
 *
 * @param home where the manifest was found
 * @param origin where blobs are that {@code home} lacks: the registry a lazily pulled image came
 *     from
 * @param descriptor the manifest's
 */
public record LoadedImage(
    String name,
    Repository home,
    Optional<Origin> origin,
    Descriptor descriptor,
    Manifest manifest,
    ImageConfig config) {
  /** A repository in a registry: its name in references, and a client for it. */
  public record Origin(String repositoryName, Repository repository) {}

  /** The repository that has {@code blob}. */
  public Repository holderOf(Descriptor blob) throws IOException {
    return origin.isPresent() && !home.has(blob.digest()) ? origin.get().repository() : home;
  }

  /** True if {@code blob} has to come over a network. */
  public boolean isRemote(Descriptor blob) throws IOException {
    return !(holderOf(blob) instanceof OciLayout);
  }

  /**
   * The registry repository behind this image, by its name in references; empty if all of it is
   * local.
   */
  public Optional<String> registryRepository() {
    if (origin.isPresent()) {
      return origin.map(Origin::repositoryName);
    }
    return home instanceof OciLayout
        ? Optional.empty()
        : Optional.of(ImageReference.parse(name).repositoryName());
  }
}
