package dev.obd.backstore.cache;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Data files without a map: of removals that were killed, or of another program's cache. */
final class Orphans {
  private static final Pattern DATA_NAME = Pattern.compile("sha256:[0-9a-f]{64}");

  private Orphans() {}

  /** Deletes them. Only for who is alone in the directory. */
  static void delete(Path directory) throws IOException {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(directory)) {
      for (Path path : all) {
        String name = path.getFileName().toString();
        if (DATA_NAME.matcher(name).matches() && !Files.exists(BlobFile.mapPath(directory, name))) {
          Files.deleteIfExists(path);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }
}
