package dev.obd.registry;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a manifest says of a blob.
 *
 * @param size bytes, never negative
 * @param annotations in the order found
 * @param otherFields every further field ({@code platform}, {@code urls}, …): name to JSON text, in
 *     the order found, written back as they were
 */
public record Descriptor(
    String mediaType,
    Digest digest,
    long size,
    Map<String, String> annotations,
    Map<String, String> otherFields) {
  public Descriptor {
    if (size < 0) {
      throw new IllegalArgumentException("size of " + digest + ": expected >= 0, got " + size);
    }
    annotations = Collections.unmodifiableMap(new LinkedHashMap<>(annotations));
    otherFields = Collections.unmodifiableMap(new LinkedHashMap<>(otherFields));
  }

  public Descriptor(String mediaType, Digest digest, long size, Map<String, String> annotations) {
    this(mediaType, digest, size, annotations, Map.of());
  }

  public Descriptor(String mediaType, Digest digest, long size) {
    this(mediaType, digest, size, Map.of(), Map.of());
  }

  /** The same blob with these annotations instead. */
  public Descriptor withAnnotations(Map<String, String> replacement) {
    return new Descriptor(mediaType, digest, size, replacement, otherFields);
  }

  /** One annotation's value. */
  public Optional<String> annotation(String key) {
    return Optional.ofNullable(annotations.get(key));
  }
}
