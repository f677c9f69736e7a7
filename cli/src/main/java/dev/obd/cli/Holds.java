package dev.obd.cli;

import dev.obd.io.PendingFile;
import dev.obd.io.PendingFile.Existing;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Which images are held, in a file for each: the digests of its layers, one a line. Two of them may
 * share a layer, which stays pinned until both are let go.
 */
final class Holds {
  private static final String SUFFIX = ".hold";
  private static final long MAX_BYTES = 1 << 20;

  private final Path directory;

  /**
   * @param directory made when something is held
   */
  Holds(Path directory) {
    this.directory = directory;
  }

  private Path file(Digest image) {
    return directory.resolve(image.hex() + SUFFIX);
  }

  /** Notes that {@code image} is held. */
  void add(Digest image, List<String> layers) throws IOException {
    Files.createDirectories(directory);
    String text = String.join("\n", layers) + "\n";
    try (PendingFile out = PendingFile.create(file(image), Existing.REPLACE)) {
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        out.channel().write(bytes);
      }
      out.commit();
    }
  }

  /** Forgets {@code image}; false if it was not held. */
  boolean remove(Digest image) throws IOException {
    return Files.deleteIfExists(file(image));
  }

  /** The layers of all held images. */
  Set<String> layers() throws IOException {
    Set<String> all = new LinkedHashSet<>();
    if (!Files.isDirectory(directory)) {
      return all;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
      for (Path file : files) {
        if (Files.size(file) > MAX_BYTES) {
          throw new IOException(file + ": expected at most " + MAX_BYTES + " bytes");
        }
        Files.readAllLines(file).stream().filter(Digest::isDigest).forEach(all::add);
      }
    }
    return all;
  }
}
