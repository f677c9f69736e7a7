package dev.obd.fuse;

import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a {@code fuse:} URI asks for: {@code fuse:///path/of/file?loop=1&mount=/mnt&fstype=ext4}.
 *
 * <pre>
 * path       the file that is the disk; in an existing directory: the file "disk" in it
 * loop=1     attach a loop device to the file
 * mount=DIR  mount the file system of that loop device at DIR (implies loop)
 * fstype=T   its type; ext4 if not given
 * options=O  mount options, separated by commas
 * ro=1       read-only, even if the device is writable
 * force=1    closing takes the file away from whoever uses it, instead of failing
 * </pre>
 *
 * @param file absolute
 * @param loop a loop device is wanted
 * @param mount where to mount it, absolute
 */
record FuseOptions(
    Path file,
    boolean loop,
    Optional<Path> mount,
    String fileSystem,
    String mountOptions,
    boolean readOnly,
    boolean force) {
  private static final String DEFAULT_FILE_SYSTEM = "ext4";

  static FuseOptions parse(URI where) throws IOException {
    String path = where.getPath();
    if (path == null || !path.startsWith("/") || path.length() == 1 || where.getHost() != null) {
      throw new IOException("expected fuse:///absolute/path/of/file, got " + where);
    }
    boolean loop = false;
    boolean readOnly = false;
    boolean force = false;
    Path mount = null;
    String fileSystem = DEFAULT_FILE_SYSTEM;
    String options = "";
    for (String item : items(where.getRawQuery())) {
      int equals = item.indexOf('=');
      String key = equals < 0 ? item : item.substring(0, equals);
      String value = equals < 0 ? "1" : decoded(item.substring(equals + 1));
      switch (key) {
        case "loop" -> loop = flag(key, value);
        case "ro" -> readOnly = flag(key, value);
        case "force" -> force = flag(key, value);
        case "mount" -> mount = absolute(value);
        case "fstype" -> fileSystem = value;
        case "options" -> options = value;
        default ->
            throw new IOException(
                where + ": expected loop, mount, fstype, options, ro or force, got " + key);
      }
    }
    return new FuseOptions(
        Path.of(path).normalize(),
        loop || mount != null,
        Optional.ofNullable(mount),
        fileSystem,
        options,
        readOnly,
        force);
  }

  private static String[] items(@Nullable String rawQuery) {
    return rawQuery == null || rawQuery.isEmpty() ? new String[0] : rawQuery.split("&", -1);
  }

  private static boolean flag(String key, String value) throws IOException {
    return switch (value) {
      case "1", "true" -> true;
      case "0", "false" -> false;
      default -> throw new IOException(key + ": expected 0 or 1, got " + value);
    };
  }

  private static Path absolute(String value) throws IOException {
    Path path = Path.of(value).normalize();
    if (!path.isAbsolute()) {
      throw new IOException("mount: expected an absolute path, got " + value);
    }
    return path;
  }

  private static String decoded(String raw) throws IOException {
    try {
      // A plus is a plus: this is a URI, not a form.
      return URLDecoder.decode(raw.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new IOException("cannot decode " + raw, e);
    }
  }
}
