package dev.obd.format.qcow2;

import dev.obd.io.BlockSource;
import dev.obd.io.FileSource;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Opens the files that an image names as its backing. The name comes from the image, so it is
 * hostile: an image that may name any file makes its reader print any file.
 */
@FunctionalInterface
public interface BackingFiles {
  /** For images that must stand alone. */
  BackingFiles NONE =
      name -> {
        throw new IOException("backing file " + quoted(name) + " is not allowed here");
      };

  /**
   * Opens the file called {@code name} in an image; the caller closes it.
   *
   * @throws IOException if there is no such file, or the name is not one that may be opened
   */
  BlockSource open(String name) throws IOException;

  /**
   * Names are relative to {@code directory} and must not leave it, symbolic links followed.
   * Protocol names ({@code json:}, {@code nbd:}, ...) and absolute ones are refused.
   */
  static BackingFiles in(Path directory) {
    return name -> {
      int colon = name.indexOf(':');
      int slash = name.indexOf('/');
      if (colon >= 0 && (slash < 0 || colon < slash)) {
        throw new IOException("backing file " + quoted(name) + ": protocols are not allowed");
      }
      if (name.indexOf('\0') >= 0 || Path.of(name).isAbsolute()) {
        throw new IOException("backing file " + quoted(name) + ": only a relative path is allowed");
      }
      Path real = directory.resolve(name).toRealPath();
      if (!real.startsWith(directory.toRealPath())) {
        throw new IOException("backing file " + quoted(name) + " leaves " + directory);
      }
      return FileSource.open(real);
    };
  }

  private static String quoted(String name) {
    var text = new StringBuilder("\"");
    name.codePoints()
        .limit(200)
        .map(c -> Character.isISOControl(c) ? '?' : c)
        .forEach(text::appendCodePoint);
    return text.append('"').toString();
  }
}
