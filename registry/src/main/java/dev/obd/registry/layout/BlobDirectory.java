package dev.obd.registry.layout;

import dev.obd.registry.BlobStore;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RemoteBlob;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/**
 * Blobs as files of a directory, perhaps one of another machine's: {@code sha256:<hex>}, {@code
 * <hex>}, {@code sha256/<hex>} or {@code blobs/sha256/<hex>}. A file system that does not answer
 * costs the caller's patience and no more. Thread-safe.
 */
public final class BlobDirectory implements BlobStore {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Path directory;
  private final Patient patient;

  /** Reads nothing yet. */
  public BlobDirectory(Path directory) {
    this.directory = directory;
    this.patient = new Patient(directory.toString());
  }

  @Override
  public String name() {
    return "dir:" + directory;
  }

  @Override
  public RemoteBlob open(Descriptor descriptor) throws IOException {
    return new Blob(descriptor, patient.run(PATIENCE, () -> file(descriptor)));
  }

  private FileBlob file(Descriptor descriptor) throws IOException {
    return new FileBlob(descriptor, find(descriptor.digest()));
  }

  @Override
  public OptionalLong blobSize(Digest digest) throws IOException {
    try {
      return OptionalLong.of(patient.run(PATIENCE, () -> Files.size(find(digest))));
    } catch (RegistryException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        return OptionalLong.empty();
      }
      throw e;
    }
  }

  private Path find(Digest digest) throws IOException {
    String hex = digest.hex();
    for (String name : List.of(digest.value(), hex, "sha256/" + hex, "blobs/sha256/" + hex)) {
      Path file = directory.resolve(name);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    if (!Files.isDirectory(directory)) {
      throw new NoSuchFileException(directory.toString()); // not mounted, perhaps
    }
    throw new RegistryException(Kind.NOT_FOUND, 0, name() + ": no blob " + digest, null);
  }

  @Override
  public void close() {}

  /** One file; opened anew after a failure, because its mount may have been, too. */
  private final class Blob implements RemoteBlob {
    private final Descriptor descriptor;
    private FileBlob file; // guarded by this
    private boolean closed; // guarded by this

    Blob(Descriptor descriptor, FileBlob file) {
      this.descriptor = descriptor;
      this.file = file;
    }

    @Override
    public long size() {
      return descriptor.size();
    }

    @Override
    public String name() {
      return descriptor.digest().toString();
    }

    @Override
    public void read(long offset, ByteBuffer dst, Duration patience) throws IOException {
      // Into a buffer of its own: a read that was given up may end at any time.
      int length = dst.remaining();
      ByteBuffer bytes =
          patient.run(
              patience,
              () -> {
                ByteBuffer own = ByteBuffer.allocate(length);
                FileBlob current = current();
                try {
                  current.read(offset, own, patience);
                } catch (IOException e) {
                  replace(current);
                  throw e;
                }
                return own.flip();
              });
      dst.put(bytes);
    }

    private synchronized FileBlob current() {
      return file;
    }

    @SuppressWarnings("ReferenceEquality") // the very one that failed?
    private void replace(FileBlob failed) throws IOException {
      FileBlob fresh = file(descriptor);
      synchronized (this) {
        if (file == failed && !closed) {
          file = fresh;
          fresh = failed;
        }
      }
      fresh.close();
    }

    @Override
    public void close() throws IOException {
      FileBlob last;
      synchronized (this) {
        closed = true;
        last = file;
      }
      last.close();
    }
  }
}
