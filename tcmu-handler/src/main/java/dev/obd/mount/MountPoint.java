package dev.obd.mount;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/**
 * A file or directory to mount on.
 *
 * @param path absolute, free of symbolic links
 * @param made it was not there before
 */
public record MountPoint(Path path, boolean made) {
  /** An empty regular file, made if there is none. Its directory must exist. */
  public static MountPoint file(Path path) throws IOException {
    Path real = withRealParent(path);
    if (!Files.exists(real, LinkOption.NOFOLLOW_LINKS)) {
      return new MountPoint(Files.createFile(real), true);
    }
    if (!Files.isRegularFile(real, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException(real + " is not a regular file");
    }
    if (Files.size(real) > 0) { // perhaps the source of the disk, named by mistake
      throw new IOException(real + " is not empty: name a new file");
    }
    return new MountPoint(real, false);
  }

  /** A directory, made if there is none. Its parent must exist. */
  public static MountPoint directory(Path path) throws IOException {
    if (!Files.exists(path)) {
      return new MountPoint(Files.createDirectory(withRealParent(path)), true);
    }
    if (!Files.isDirectory(path)) {
      throw new NotDirectoryException(path.toString());
    }
    return new MountPoint(path.toRealPath(), false);
  }

  /** The path with the links in its directory resolved; its last name is not looked at. */
  public static Path withRealParent(Path path) throws IOException {
    Path parent = path.getParent();
    Path name = path.getFileName();
    if (parent == null || name == null) {
      throw new IOException(path + " is no place for a mount point");
    }
    return parent.toRealPath().resolve(name);
  }

  /** Removes it if it was made here. */
  public void remove() throws IOException {
    if (made) {
      Files.deleteIfExists(path);
    }
  }
}
