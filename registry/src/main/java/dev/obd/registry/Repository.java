package dev.obd.registry;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One repository of images: in a registry, or an OCI image-layout directory. Everything it returns
 * whole was checked against its digest. Thread-safe. Failures are {@link RegistryException}s that
 * say what was tried, where, and how it ended.
 */
public interface Repository extends BlobStore {
  /** Manifests and indexes larger than this are refused, in bytes. */
  int MAX_MANIFEST_BYTES = 4 << 20;

  /** What messages call it: {@code registry.example:5000/app} or {@code oci:/dir}. */
  @Override
  String name();

  /** The manifest that {@code tagOrDigest} names now; empty if there is none. */
  Optional<Descriptor> resolve(String tagOrDigest) throws IOException;

  /** A manifest's or index's bytes. Refused above {@link #MAX_MANIFEST_BYTES}. */
  Document manifest(String tagOrDigest) throws IOException;

  /**
   * A small blob as a whole (config, trace layer), refused above {@code maxBytes} before anything
   * is allocated.
   */
  byte[] blob(Descriptor descriptor, int maxBytes) throws IOException;

  /**
   * A blob for ranged reads. A registry is not asked before the first read; a layout fails here if
   * the blob is missing or has another size.
   */
  @Override
  RemoteBlob open(Descriptor descriptor) throws IOException;

  /**
   * A whole blob from its start. Interrupted transfers are resumed. The last bytes are given out
   * only after the digest of all of them was found right; if it is wrong, that read throws.
   */
  InputStream stream(Descriptor descriptor) throws IOException;

  /** Copies a whole blob to {@code out}; throws if the digest is wrong. */
  default void download(Descriptor descriptor, OutputStream out, Progress progress)
      throws IOException {
    byte[] buffer = new byte[1 << 16];
    long done = 0;
    try (InputStream in = stream(descriptor)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        out.write(buffer, 0, n);
        done += n;
        progress.at(done, descriptor.size());
      }
    }
  }

  /** Length in bytes of a blob whose descriptor is not at hand; empty if it is not there. */
  @Override
  OptionalLong blobSize(Digest digest) throws IOException;

  /** True if the blob is there. */
  default boolean has(Digest digest) throws IOException {
    return blobSize(digest).isPresent();
  }

  /** Uploads a blob unless it is there. Bytes are checked against the digest on the way. */
  void push(Descriptor descriptor, BlobContent content, Progress progress) throws IOException;

  /**
   * Makes a blob of {@code from} appear here without its bytes passing through this process; false
   * if that cannot be done (another registry, not allowed, not there).
   */
  boolean mount(Descriptor descriptor, Repository from) throws IOException;

  /** Stores a manifest or index and, if {@code tag} is not empty, points the tag at it. */
  Descriptor pushManifest(Optional<String> tag, String mediaType, byte[] bytes) throws IOException;

  /**
   * The manifests that refer to one, as the registry lists them; empty if it keeps no such list.
   *
   * @param subject digest of the manifest they refer to
   */
  default Optional<ImageIndex> referrers(Digest subject) throws IOException {
    return Optional.empty();
  }

  /** All tags, sorted. */
  List<String> tags() throws IOException;

  /**
   * Removes a tag; false if there was none. Other tags of the same image stay; if the registry
   * cannot do that, or forbids deletion, the failure says so.
   */
  boolean untag(String tag) throws IOException;

  @Override
  void close() throws IOException;
}
