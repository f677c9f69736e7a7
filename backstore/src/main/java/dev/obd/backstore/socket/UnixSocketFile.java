package dev.obd.backstore.socket;

import java.io.IOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The socket's name in the file system. The socket is bound inside a private directory, given its
 * mode and then moved to its place: nobody can connect before the mode is right, and whoever looks
 * finds the old file or the new one.
 */
public final class UnixSocketFile {
  private static final Logger log = LogManager.getLogger(UnixSocketFile.class);
  private static final int MAX_PATH_BYTES = 107; // sun_path, with its final zero

  private final Path path;
  private @Nullable Object key; // of the file we put there

  private UnixSocketFile(Path path) {
    this.path = path;
  }

  /** Binds a socket to the path it is given. */
  @FunctionalInterface
  public interface Binder {
    void bind(Path path) throws IOException, InterruptedException;
  }

  /**
   * Binds a socket that everybody {@code mode} allows can connect to, once this returns.
   *
   * @throws FileAlreadyExistsException if something is there that is not a socket, or somebody
   *     listens on it
   */
  public static UnixSocketFile bind(Path path, Set<PosixFilePermission> mode, Binder binder)
      throws IOException, InterruptedException {
    var file = new UnixSocketFile(path.toAbsolutePath().normalize());
    checkFree(file.path);
    Path parent = file.path.getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw new IOException(path + ": the directory " + parent + " does not exist");
    }
    Path directory =
        Files.createTempDirectory(
            parent,
            ".s",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Path bound = directory.resolve("s");
    try {
      checkLength(file.path);
      checkLength(bound);
      binder.bind(bound);
      Files.setPosixFilePermissions(bound, mode);
      Files.move(bound, file.path, StandardCopyOption.ATOMIC_MOVE);
      file.key = keyOf(file.path);
    } finally {
      Files.deleteIfExists(bound);
      Files.deleteIfExists(directory);
    }
    return file;
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  private static void checkLength(Path path) throws SocketException {
    int length = path.toString().getBytes(StandardCharsets.UTF_8).length;
    if (length > MAX_PATH_BYTES) {
      throw new SocketException(
          "socket path of " + length + " bytes, at most " + MAX_PATH_BYTES + ": " + path);
    }
  }

  private static void checkFree(Path path) throws IOException {
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException _) {
      return;
    }
    if (!attributes.isOther()) {
      throw new FileAlreadyExistsException(path.toString(), null, "exists and is not a socket");
    }
    if (somebodyListens(path)) {
      throw new FileAlreadyExistsException(path.toString(), null, "somebody listens on it");
    }
    log.info("socket.stale path={}", path);
  }

  private static boolean somebodyListens(Path path) throws IOException {
    try (var probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      probe.configureBlocking(false); // a full backlog would make a blocking connect wait
      probe.connect(UnixDomainSocketAddress.of(path));
      return true;
    } catch (SocketException _) {
      return false; // refused: a file that outlived its server
    }
  }

  private static @Nullable Object keyOf(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .fileKey();
  }

  /** Removes the file unless it has become somebody else's. */
  public void remove() throws IOException {
    try {
      if (key != null && key.equals(keyOf(path))) {
        Files.delete(path);
      }
    } catch (NoSuchFileException _) {
      // somebody was faster
    }
  }
}
