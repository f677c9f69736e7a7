package dev.obd.registry;

import java.util.Optional;

/** Annotations on layer descriptors by which overlaybd recognises its layers. */
public final class OverlaybdAnnotations {
  private static final String PREFIX = "containerd.io/snapshot/overlaybd/";

  /** The layer's own digest; its presence marks an overlaybd layer. */
  public static final String BLOB_DIGEST = PREFIX + "blob-digest";

  /** The layer's own size, decimal. */
  public static final String BLOB_SIZE = PREFIX + "blob-size";

  public static final String VERSION = PREFIX + "version";

  /** {@code type[;mount options[;mkfs options]]}. */
  public static final String BLOB_FS_TYPE = PREFIX + "blob-fs-type";

  /** Digest of the original OCI layer, which lies in the same repository. */
  public static final String TURBO_TARGET_DIGEST = PREFIX + "turbo-oci/target-digest";

  public static final String TURBO_TARGET_MEDIA_TYPE = PREFIX + "turbo-oci/target-media-type";

  /** Older names of the two. */
  public static final String FASTOCI_TARGET_DIGEST = PREFIX + "fastoci/target-digest";

  public static final String FASTOCI_TARGET_MEDIA_TYPE = PREFIX + "fastoci/target-media-type";

  /** {@link #YES} on a trace layer. */
  public static final String ACCELERATION_LAYER = PREFIX + "acceleration-layer";

  public static final String YES = "yes";

  /** {@link #VERSION} of native and trace layers. */
  public static final String VERSION_NATIVE = "0.1.0";

  public static final String VERSION_TURBO = "0.1.0-turbo.ociv1";

  private OverlaybdAnnotations() {}

  /** True if overlaybd would take this layer as one of its own. */
  public static boolean isOverlaybd(Descriptor layer) {
    return layer.annotations().containsKey(BLOB_DIGEST)
        && layer.annotations().containsKey(BLOB_SIZE);
  }

  /** True for a trace layer. */
  public static boolean isAcceleration(Descriptor layer) {
    return layer.annotation(ACCELERATION_LAYER).filter(YES::equals).isPresent();
  }

  /** The original layer a turboOCI layer is an index of; under either name. */
  public static Optional<String> targetDigest(Descriptor layer) {
    return layer.annotation(TURBO_TARGET_DIGEST).or(() -> layer.annotation(FASTOCI_TARGET_DIGEST));
  }

  /** The media type of {@link #targetDigest}; under either name. */
  public static Optional<String> targetMediaType(Descriptor layer) {
    return layer
        .annotation(TURBO_TARGET_MEDIA_TYPE)
        .or(() -> layer.annotation(FASTOCI_TARGET_MEDIA_TYPE));
  }
}
