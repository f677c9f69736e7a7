package dev.obd.registry;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What refers to an image in its repository: asked of the registry if it knows, or else kept as an
 * index under a tag made of the image's digest. Source: OCI distribution-spec 1.1, "Listing
 * Referrers" and "Referrers Tag Schema". Thread-safe.
 */
public final class Referrers {
  /** No more of them are looked at: bounds what a registry can make its reader fetch. */
  public static final int MAX = 64;

  private static final String ARTIFACT_TYPE = "artifactType";

  private final Repository repository;

  public Referrers(Repository repository) {
    this.repository = repository;
  }

  /**
   * The manifests of one kind that refer to an image; of more than {@link #MAX} the last ones.
   *
   * @param image digest of its manifest
   */
  public List<Descriptor> of(Digest image, String artifactType) throws IOException {
    Optional<ImageIndex> told = repository.referrers(image);
    List<Descriptor> found = new ArrayList<>();
    for (ImageIndex.Entry entry : (told.isPresent() ? told.get() : tagged(image)).entries()) {
      if (typeText(artifactType)
          .equals(entry.descriptor().otherFields().getOrDefault(ARTIFACT_TYPE, ""))) {
        found.add(entry.descriptor());
      }
    }
    return List.copyOf(found.subList(Math.max(0, found.size() - MAX), found.size()));
  }

  /**
   * Stores a manifest that refers to an image, so that it is found. Two who do so at the same time
   * where the registry does not know of referrers may lose one of them: the last index stays.
   *
   * @param artifact has a subject and an artifact type
   */
  public Descriptor add(Manifest artifact) throws IOException {
    Digest image = artifact.subject().orElseThrow().digest();
    Descriptor pushed =
        repository.pushManifest(Optional.empty(), artifact.mediaType(), artifact.toBytes());
    if (repository.referrers(image).isPresent()) {
      return pushed;
    }
    ImageIndex before = tagged(image);
    List<ImageIndex.Entry> entries = new ArrayList<>(before.entries());
    entries.removeIf(entry -> entry.descriptor().digest().equals(pushed.digest()));
    Map<String, String> type =
        Map.of(ARTIFACT_TYPE, typeText(artifact.artifactType().orElseThrow()));
    var described =
        new Descriptor(
            pushed.mediaType(), pushed.digest(), pushed.size(), artifact.annotations(), type);
    entries.add(new ImageIndex.Entry(described, Optional.empty()));
    var index =
        new ImageIndex(
            before.mediaType(),
            before.artifactType(),
            entries,
            before.subject(),
            before.annotations(),
            new LinkedHashMap<>(before.otherFields()));
    repository.pushManifest(Optional.of(tag(image)), index.mediaType(), index.toBytes());
    return pushed;
  }

  private ImageIndex tagged(Digest image) throws IOException {
    try {
      return ImageIndex.parse(repository.manifest(tag(image)));
    } catch (RegistryException e) {
      if (e.kind() == RegistryException.Kind.NOT_FOUND) {
        return ImageIndex.EMPTY;
      }
      throw e;
    }
  }

  private static String tag(Digest image) {
    return "sha256-" + image.hex();
  }

  /** As JSON has it. */
  private static String typeText(String artifactType) {
    return '"' + artifactType + '"';
  }
}
