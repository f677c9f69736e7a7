package dev.obd.backstore.download;

import dev.obd.io.FormatException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A blob that is being put together in a file which gets its name when it is whole. One process at
 * a time has it; its blocks may be read and written by several threads.
 *
 * <p>The file is sparse, and its content is its own journal: a block of which some page is all
 * zeros counts as missing. So a process may be killed at any point, on any file system, and the
 * next one goes on where it ended; a blob's own pages of zeros are fetched twice at worst. What a
 * crash of the machine leaves is caught by the digest.
 */
final class PartialFile implements Closeable {
  private static final int PAGE = 4096;

  /** Another process, or another task of this one, puts this file together. */
  static final class BusyElsewhere extends IOException {
    private static final long serialVersionUID = 1;

    BusyElsewhere(Path file) {
      super(file + ": another process downloads it");
    }
  }

  /** Files that tasks of this process put together: their locks are the process's. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path path;
  private final Path held;
  private final FileChannel channel;
  private final FileStore store;
  private final long freeReserveBytes;

  private PartialFile(
      Path path, Path held, FileChannel channel, FileStore store, long freeReserveBytes) {
    this.path = path;
    this.held = held;
    this.channel = channel;
    this.store = store;
    this.freeReserveBytes = freeReserveBytes;
  }

  /**
   * Opens or begins a file, whose directory is made if it is missing.
   *
   * @param freeReserveBytes what writing leaves free on the file system
   */
  static PartialFile open(Path path, long freeReserveBytes) throws IOException {
    Path directory =
        Objects.requireNonNull(path.toAbsolutePath().getParent(), "a file has a directory");
    Files.createDirectories(directory);
    Path held = directory.toRealPath().resolve(path.getFileName());
    if (!HELD.add(held)) { // without opening it: closing it again would give up the other's lock
      throw new BusyElsewhere(path);
    }
    try {
      FileChannel channel =
          FileChannel.open(
              path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        lock(channel, path);
        return new PartialFile(
            path, held, channel, Files.getFileStore(directory), freeReserveBytes);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      HELD.remove(held);
      throw e;
    }
  }

  /** Held until the channel is closed. */
  private static void lock(FileChannel channel, Path path) throws IOException {
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      throw new BusyElsewhere(path);
    }
    if (lock == null) {
      throw new BusyElsewhere(path);
    }
  }

  void setSize(long bytes) throws IOException {
    // Never by another descriptor: closing one gives up the process's lock of the file.
    if (channel.size() > bytes) {
      channel.truncate(bytes);
    } else if (channel.size() < bytes) {
      channel.write(ByteBuffer.allocate(1), bytes - 1);
    }
  }

  /** Reads a block into {@code block}; false if some page of it is all zeros, or unreadable. */
  boolean isHere(long at, ByteBuffer block) {
    try {
      while (block.hasRemaining()) {
        if (channel.read(block, at + block.position()) < 0) {
          return false;
        }
      }
    } catch (IOException e) {
      return false; // a bad sector: written again
    }
    for (int page = 0; page < block.limit(); page += PAGE) {
      if (isZero(block, page, Math.min(PAGE, block.limit() - page))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isZero(ByteBuffer block, int from, int length) {
    for (int i = from; i < from + length; i++) {
      if (block.get(i) != 0) {
        return false;
      }
    }
    return true;
  }

  /** Fills {@code dst} from {@code at}. */
  void read(long at, ByteBuffer dst) throws IOException {
    long from = at - dst.position();
    while (dst.hasRemaining()) {
      if (channel.read(dst, from + dst.position()) < 0) {
        throw new FormatException(path.toString(), at, "file", "it became shorter");
      }
    }
  }

  /**
   * Writes what {@code block} has left to {@code at}.
   *
   * @throws NoRoomException if the disk is full, or cannot be written
   */
  void write(long at, ByteBuffer block) throws IOException {
    if (store.getUsableSpace() < freeReserveBytes + block.remaining()) {
      throw new NoRoomException(
          path.getParent()
              + ": no room: less than "
              + freeReserveBytes
              + " bytes would be left free",
          null);
    }
    long from = at - block.position();
    try {
      while (block.hasRemaining()) {
        channel.write(block, from + block.position());
      }
    } catch (IOException e) {
      throw new NoRoomException(path.getParent() + ": " + e.getMessage(), e);
    }
  }

  /** Forgets all content. Not removed: who waits for the lock must find the same file. */
  void empty() throws IOException {
    channel.truncate(0);
  }

  /** Gives the file its name, on stable storage. */
  void publish(Path name) throws IOException {
    channel.force(true);
    Files.move(path, name, StandardCopyOption.ATOMIC_MOVE);
    Path directory =
        Objects.requireNonNull(name.toAbsolutePath().getParent(), "a file has a directory");
    try (FileChannel itself = FileChannel.open(directory, StandardOpenOption.READ)) {
      itself.force(true);
    }
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      HELD.remove(held);
    }
  }
}
