package dev.obd.registry;

import java.util.Map;

/**
 * What a manifest says of a blob. {@code size} in bytes; annotations never null, in the order
 * found.
 */
public record Descriptor(
    String mediaType, Digest digest, long size, Map<String, String> annotations) {
  public Descriptor(String mediaType, Digest digest, long size) {
    this(mediaType, digest, size, Map.of());
  }
}
