package dev.obd.backstore.prefetch;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.Manifest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.Progress;
import dev.obd.registry.Referrers;
import dev.obd.registry.Repository;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Runs in a registry, beside the image that they are of and without changing it: an artifact that
 * refers to its manifest. Layout: docs/formats/runs.md.
 */
public final class RunsArtifact {
  /** The artifact's type, and that of its one layer. */
  public static final String TYPE = "application/vnd.dev.obd.runs.v1";

  private static final Logger log = LogManager.getLogger(RunsArtifact.class);
  private static final byte[] NO_CONFIG = "{}".getBytes(StandardCharsets.UTF_8);

  private RunsArtifact() {}

  /**
   * Stores runs beside an image, together with those that are there.
   *
   * @param image describes its manifest
   * @return what is there then
   */
  public static Runs push(Repository repository, Descriptor image, Runs runs) throws IOException {
    Runs all = pull(repository, image.digest()).merge(runs);
    byte[] file = Recordings.encode(all);
    var layer = new Descriptor(TYPE, Digest.of(file), file.length);
    var config = new Descriptor(MediaTypes.OCI_EMPTY, Digest.of(NO_CONFIG), NO_CONFIG.length);
    repository.push(config, () -> new ByteArrayInputStream(NO_CONFIG), Progress.NONE);
    repository.push(layer, () -> new ByteArrayInputStream(file), Progress.NONE);
    var subject = new Descriptor(image.mediaType(), image.digest(), image.size());
    new Referrers(repository)
        .add(
            new Manifest(
                MediaTypes.OCI_MANIFEST,
                Optional.of(TYPE),
                config,
                List.of(layer),
                Optional.of(subject),
                Map.of(),
                Map.of()));
    return RunsFile.decode(layer.digest().value(), ByteBuffer.wrap(file));
  }

  /**
   * All runs beside an image; none if there are none. What is damaged, or no file of runs, is left
   * out.
   *
   * @param image digest of its manifest
   */
  public static Runs pull(Repository repository, Digest image) throws IOException {
    Runs all = Runs.NONE;
    for (Descriptor artifact : new Referrers(repository).of(image, TYPE)) {
      try {
        Manifest manifest = Manifest.parse(repository.manifest(artifact.digest().value()));
        Descriptor layer = manifest.layers().isEmpty() ? null : manifest.layers().getFirst();
        if (layer != null && layer.mediaType().equals(TYPE)) {
          byte[] file = repository.blob(layer, Recordings.MAX_RUNS_BYTES);
          all = all.merge(RunsFile.decode(layer.digest().value(), ByteBuffer.wrap(file)));
        }
      } catch (IOException e) {
        log.warn(
            "runs.unusable repository={} artifact={} reason={}",
            repository.name(),
            artifact.digest(),
            e.toString());
      }
    }
    return all;
  }
}
