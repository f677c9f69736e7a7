package dev.obd.registry;

import java.io.Closeable;
import java.io.IOException;
import java.util.OptionalLong;

/** Where blobs lie by their digest: a repository, a directory, a web server, an object store. */
public interface BlobStore extends Closeable {
  /** What messages call it. */
  String name();

  /**
   * A blob for ranged reads. What is not on this machine is not asked before the first read; a file
   * that is missing or has another size fails here.
   */
  RemoteBlob open(Descriptor descriptor) throws IOException;

  /** Length in bytes of a blob whose descriptor is not at hand; empty if it is not there. */
  OptionalLong blobSize(Digest digest) throws IOException;

  @Override
  void close() throws IOException;
}
