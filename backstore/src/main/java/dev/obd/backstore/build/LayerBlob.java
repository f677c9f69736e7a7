package dev.obd.backstore.build;

import dev.obd.registry.BlobContent;
import dev.obd.registry.Descriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** A finished layer blob in a local file, and how a manifest describes it. */
public record LayerBlob(Path file, Descriptor descriptor) {
  /** The same blob with more annotations. */
  LayerBlob with(Map<String, String> more) {
    Map<String, String> annotations = new LinkedHashMap<>(descriptor.annotations());
    annotations.putAll(more);
    return new LayerBlob(file, descriptor.withAnnotations(annotations));
  }

  /** The bytes, for an upload. */
  public BlobContent content() {
    return () -> Files.newInputStream(file);
  }
}
