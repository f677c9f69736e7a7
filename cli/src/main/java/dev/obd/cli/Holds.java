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
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which images are held, in a file for each: its name, and the digests of its layers, one a line.
 * Two of them may share a layer, which stays pinned until both are let go.
 */
final class Holds {
  private static final String SUFFIX = ".hold";
  private static final String NAME = "name ";
  private static final long MAX_BYTES = 1 << 20;

  private final Path directory;

  /**
   * An image that is held.
   *
   * @param name by which it was asked for; empty if it was before that was noted
   * @param layers their digests
   */
  record Hold(Path file, Optional<String> name, List<String> layers) {}

  /**
   * @param directory made when something is held
   */
  Holds(Path directory) {
    this.directory = directory;
  }

  private Path file(Digest image) {
    return directory.resolve(image.hex() + SUFFIX);
  }

  /**
   * Notes that {@code image} is held.
   *
   * @param name by which it was asked for, which may name another image later
   */
  void add(Digest image, String name, List<String> layers) throws IOException {
    Files.createDirectories(directory);
    String text = NAME + name.replace('\n', ' ') + "\n" + String.join("\n", layers) + "\n";
    try (PendingFile out = PendingFile.create(file(image), Existing.REPLACE)) {
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        out.channel().write(bytes);
      }
      out.commit();
    }
  }

  /** What is noted of {@code image}; empty if it is not held. */
  Optional<Hold> find(Digest image) throws IOException {
    Path file = file(image);
    return Files.exists(file) ? Optional.of(read(file)) : Optional.empty();
  }

  /** An image that was held by that name, whatever it names now. */
  Optional<Hold> find(String name) throws IOException {
    return all().stream().filter(hold -> hold.name.equals(Optional.of(name))).findFirst();
  }

  /** Forgets it. */
  void remove(Hold hold) throws IOException {
    Files.deleteIfExists(hold.file);
  }

  /** The layers that {@code hold} alone holds. */
  Set<String> own(Hold hold) throws IOException {
    Set<String> own = new LinkedHashSet<>(hold.layers);
    for (Hold other : all()) {
      if (!other.file.equals(hold.file)) {
        other.layers.forEach(own::remove);
      }
    }
    return own;
  }

  private List<Hold> all() throws IOException {
    List<Hold> all = new ArrayList<>();
    if (!Files.isDirectory(directory)) {
      return all;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
      for (Path file : files) {
        all.add(read(file));
      }
    }
    return all;
  }

  private static Hold read(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new IOException(file + ": expected at most " + MAX_BYTES + " bytes");
    }
    List<String> lines = Files.readAllLines(file);
    return new Hold(
        file,
        lines.stream()
            .filter(line -> line.startsWith(NAME))
            .map(line -> line.substring(NAME.length()))
            .findFirst(),
        lines.stream().filter(Digest::isDigest).toList());
  }
}
