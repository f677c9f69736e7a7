package dev.obd.kernelnbd;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The right to serve one device: a lock on a file, which the kernel takes back when the process
 * dies. So a device whose claim can be had has no server.
 */
final class Claim implements Closeable {
  /** Of this process: two channels on one file share its lock, and lose it with the first close. */
  private static final Set<NbdNode> HERE = ConcurrentHashMap.newKeySet();

  private final NbdNode node;
  private final FileChannel file;

  private Claim(NbdNode node, FileChannel file) {
    this.node = node;
    this.file = file;
  }

  /** Empty if another process, or this one, holds it. */
  static Optional<Claim> of(NbdNode node, Path directory) throws IOException {
    if (!HERE.add(node)) {
      return Optional.empty();
    }
    FileChannel file = null;
    boolean claimed = false;
    try {
      Files.createDirectories(directory);
      file =
          FileChannel.open(
              directory.resolve("nbd" + node.index() + ".lock"),
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE);
      FileLock lock = file.tryLock();
      claimed = lock != null;
      return claimed ? Optional.of(new Claim(node, file)) : Optional.empty();
    } finally {
      if (!claimed) {
        if (file != null) {
          file.close();
        }
        HERE.remove(node);
      }
    }
  }

  NbdNode node() {
    return node;
  }

  @Override
  public void close() throws IOException {
    if (file.isOpen()) {
      file.close();
      HERE.remove(node);
    }
  }
}
