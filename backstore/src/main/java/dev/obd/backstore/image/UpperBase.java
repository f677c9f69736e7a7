package dev.obd.backstore.image;

import dev.obd.format.lsmt.WritableLayer;
import dev.obd.format.lsmt.WritableOptions;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * Which layers a writable layer was made for: their digests, lowest first, in a file beside it.
 * Changed blocks over any other disk would make a disk that never was, and nothing in the formats
 * would tell. A tag may name another image tomorrow.
 */
public final class UpperBase {
  private static final String FILE = "base";
  private static final int NAME_CHARS = 80;

  private UpperBase() {}

  /** A directory name for the writable layer of {@code source}; another source has another. */
  public static String directoryName(String source) {
    String readable = source.replaceAll("[^A-Za-z0-9._-]", "_");
    String end = readable.substring(Math.max(0, readable.length() - NAME_CHARS));
    return end + "-" + Digest.of(source.getBytes(StandardCharsets.UTF_8)).hex().substring(0, 12);
  }

  /**
   * The writable layer in {@code directory} for {@code plan}, made if there is none.
   *
   * @throws IOException also if the one that is there was made for other layers
   */
  public static ImagePlan.UpperFiles prepare(Path directory, ImagePlan plan) throws IOException {
    ImagePlan.UpperFiles files = ImagePlan.UpperFiles.in(directory);
    if (!Files.exists(files.data())) {
      Files.createDirectories(directory);
      write(directory, plan);
      // Size 0: it takes over the size of the image below when it is stacked.
      WritableLayer.create(files.data(), files.index(), WritableOptions.ofSize(0)).close();
    }
    require(directory, plan);
    return files;
  }

  /** Says, before there is a writable layer in {@code directory}, what it is made for. */
  static void write(Path directory, ImagePlan plan) throws IOException {
    Path file = directory.resolve(FILE);
    Optional<byte[]> layers = layers(plan);
    if (layers.isPresent()) {
      Files.write(file, layers.get());
    } else {
      Files.deleteIfExists(file);
    }
  }

  /**
   * Refuses an image the writable layer in {@code directory} was not made for, as far as that is
   * known: of one that was made elsewhere, or over files without digests, it is not.
   */
  public static void require(Path directory, ImagePlan plan) throws IOException {
    Optional<byte[]> expected = layers(plan);
    if (expected.isEmpty()) {
      return;
    }
    try (InputStream in = Files.newInputStream(directory.resolve(FILE))) {
      byte[] found = in.readNBytes(expected.get().length + 1);
      if (!Arrays.equals(found, expected.get())) {
        throw new IOException(
            directory
                + ": was made over other layers than "
                + plan.name()
                + " has (see "
                + directory.resolve(FILE)
                + "): give the image it was made for, or another directory");
      }
    } catch (NoSuchFileException e) {
      // Not made by us.
    }
  }

  /** Empty if one of the layers is a file that nothing but its path identifies. */
  private static Optional<byte[]> layers(ImagePlan plan) {
    StringBuilder lines = new StringBuilder();
    for (LayerOrigin layer : plan.lowers()) {
      if (layer.digest().isEmpty()) {
        return Optional.empty();
      }
      lines.append(layer.digest().get().value()).append('\n');
    }
    return Optional.of(lines.toString().getBytes(StandardCharsets.UTF_8));
  }
}
