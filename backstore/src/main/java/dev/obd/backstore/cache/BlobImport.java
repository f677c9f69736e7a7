package dev.obd.backstore.cache;

import dev.obd.registry.Digest;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Brings a blob that is a file of this machine into a cache. */
public final class BlobImport {
  private static final int CHUNK = 4 << 20; // a multiple of every unit

  /**
   * What came of it.
   *
   * @param keptBytes of the blob that are in the cache now: fewer than all if there was no room
   */
  public record Imported(Digest digest, long blobBytes, long keptBytes) {}

  private BlobImport() {}

  /**
   * Reads {@code file} twice: to know its digest, and to keep it.
   *
   * @param expected what its digest has to be
   * @throws IOException if it is another one, or the file changes meanwhile
   */
  public static Imported run(BlobCache cache, Path file, Optional<Digest> expected)
      throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      List<byte[]> chunks = new ArrayList<>();
      Digest digest = read(channel, size, (_, bytes) -> chunks.add(sha256(bytes)));
      if (expected.isPresent() && !expected.get().equals(digest)) {
        throw new IOException(file + ": its digest is " + digest + ", not " + expected.get());
      }
      Filler nobody =
          (_, object) -> {
            throw new IOException(object.digest() + ": is being imported");
          };
      try (CacheObject object = cache.object(digest, size, nobody)) {
        // Nothing is kept under the digest that was not in it: the file may change meanwhile.
        Digest _ =
            read(
                channel,
                size,
                (at, bytes) -> {
                  if (!Arrays.equals(chunks.get((int) (at / CHUNK)), sha256(bytes))) {
                    throw new IOException(file + ": changed while it was read");
                  }
                  object.write(at, bytes);
                });
        return new Imported(digest, size, Math.min(size, object.presentBytes()));
      }
    }
  }

  /** Of what {@code bytes} has left, which it has still afterwards. */
  private static byte[] sha256(ByteBuffer bytes) {
    MessageDigest hasher = Digest.hasher();
    hasher.update(bytes.duplicate());
    return hasher.digest();
  }

  @FunctionalInterface
  private interface Taker {
    void take(long offset, ByteBuffer bytes) throws IOException;
  }

  private static Digest read(FileChannel channel, long size, Taker taker) throws IOException {
    MessageDigest hasher = Digest.hasher();
    ByteBuffer bytes = ByteBuffer.allocate(CHUNK);
    for (long at = 0; at < size; at += bytes.limit()) {
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("interrupted");
      }
      bytes.clear().limit((int) Math.min(CHUNK, size - at));
      while (bytes.hasRemaining()) {
        if (channel.read(bytes, at + bytes.position()) < 0) {
          throw new IOException("the file became shorter while it was read");
        }
      }
      hasher.update(bytes.flip().duplicate());
      taker.take(at, bytes);
    }
    return Digest.finish(hasher);
  }
}
