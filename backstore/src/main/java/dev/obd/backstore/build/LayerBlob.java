package dev.obd.backstore.build;

import dev.obd.registry.BlobContent;
import dev.obd.registry.Descriptor;
import java.nio.file.Files;
import java.nio.file.Path;

/** A finished layer blob in a local file, and how a manifest describes it. */
public record LayerBlob(Path file, Descriptor descriptor) {
  /** The bytes, for an upload. */
  public BlobContent content() {
    return () -> Files.newInputStream(file);
  }
}
