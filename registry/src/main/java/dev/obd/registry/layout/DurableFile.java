package dev.obd.registry.layout;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * A file that appears under its name whole and on disk, or not at all: written beside, flushed,
 * renamed, and the directory flushed too. Not thread-safe. Closed before {@link #publish} it leaves
 * nothing.
 */
final class DurableFile implements Closeable {
  private final Path temporary;
  private final FileChannel channel;

  /** Begins a file in {@code temporaries}, which lies on the file system of its final place. */
  DurableFile(Path temporaries) throws IOException {
    Files.createDirectories(temporaries);
    // Not createTempFile: the result is for everybody the umask lets in.
    temporary = temporaries.resolve(UUID.randomUUID().toString());
    channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  void write(byte[] bytes, int offset, int length) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(bytes, offset, length);
    while (rest.hasRemaining()) {
      channel.write(rest);
    }
  }

  /** Gives the file its name, replacing what had it. */
  void publish(Path name) throws IOException {
    channel.force(true);
    channel.close();
    Files.move(
        temporary, name, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    Path parent = name.toAbsolutePath().getParent();
    if (parent != null) {
      flushDirectory(parent);
    }
  }

  static void flushDirectory(Path directory) throws IOException {
    try (FileChannel itself = FileChannel.open(directory, StandardOpenOption.READ)) {
      itself.force(true);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
    Files.deleteIfExists(temporary); // gone already if it was published
  }
}
