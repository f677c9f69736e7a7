package dev.obd.registry;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;

/**
 * One repository of images: in a registry, or an OCI image-layout directory. Everything it returns
 * whole was checked against its digest. Thread-safe. Failures are {@link RegistryException}s that
 * say what was tried, where, and how it ended.
 */
public interface Repository extends Closeable {
  /** What messages call it: {@code registry.example:5000/app} or {@code oci:/dir}. */
  String name();

  /** The manifest that {@code tagOrDigest} names now; empty if there is none. */
  Optional<Descriptor> resolve(String tagOrDigest) throws IOException;

  /** A manifest's or index's bytes. Refused above 4 MiB. */
  Document manifest(String tagOrDigest) throws IOException;

  /**
   * A small blob as a whole (config, trace layer), refused above {@code maxBytes} before anything
   * is allocated.
   */
  byte[] blob(Descriptor descriptor, int maxBytes) throws IOException;

  /** A blob for ranged reads. No request is made until it is read. */
  RemoteBlob open(Descriptor descriptor) throws IOException;

  /** Copies a whole blob to {@code out}; throws after the last byte if the digest is wrong. */
  void download(Descriptor descriptor, OutputStream out, Progress progress) throws IOException;

  /** True if the blob is there. */
  boolean has(Digest digest) throws IOException;

  /** Uploads a blob unless it is there. Bytes are checked against the digest on the way. */
  void push(Descriptor descriptor, BlobContent content, Progress progress) throws IOException;

  /**
   * Makes a blob of a sibling repository on the same registry appear here; false if that cannot be
   * done.
   */
  boolean mount(Digest digest, String fromRepository) throws IOException;

  /** Stores a manifest or index and, if {@code tag} is not empty, points the tag at it. */
  Descriptor pushManifest(Optional<String> tag, String mediaType, byte[] bytes) throws IOException;

  /** All tags, sorted. */
  List<String> tags() throws IOException;

  /** Removes a tag; false if there was none. */
  boolean untag(String tag) throws IOException;

  @Override
  void close() throws IOException;
}
