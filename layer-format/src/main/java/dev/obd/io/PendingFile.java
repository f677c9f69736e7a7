package dev.obd.io;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A local file that is being written: under a temporary name in its directory until {@link
 * #commit}, so that under its own name it is whole or absent. Closing it without a commit removes
 * what was written. Its channel may be used by several threads; the rest is for one.
 */
public final class PendingFile implements Closeable {
  /** What becomes of a file that has the name already. */
  public enum Existing {
    /** It stays until the new one is whole and takes its place at once. */
    REPLACE,
    /** It stays: the new one is refused, at the start or, if it came up meanwhile, at the end. */
    KEEP
  }

  private static final Set<PendingFile> OPEN = ConcurrentHashMap.newKeySet();
  private static final AtomicLong NUMBER = new AtomicLong();
  private static volatile boolean abandoned;

  private final Path path;
  private final Path temporary;
  private final Existing existing;
  private final FileChannel channel;
  private boolean committed;

  private PendingFile(Path path, Path temporary, Existing existing, FileChannel channel) {
    this.path = path;
    this.temporary = temporary;
    this.existing = existing;
    this.channel = channel;
  }

  /**
   * Starts a file.
   *
   * @throws FileAlreadyExistsException if it exists and is to be kept
   */
  public static PendingFile create(Path path, Existing existing) throws IOException {
    Path absolute = path.toAbsolutePath();
    if (existing == Existing.KEEP) {
      refuseIfPresent(absolute);
    }
    Path directory = Objects.requireNonNull(absolute.getParent(), "a file has a directory");
    String name =
        "."
            + absolute.getFileName()
            + "."
            + ProcessHandle.current().pid()
            + "-"
            + NUMBER.incrementAndGet()
            + ".tmp";
    Path temporary = directory.resolve(name);
    FileChannel channel;
    try {
      channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
    } catch (NoSuchFileException e) {
      throw new NoSuchFileException(directory.toString());
    } catch (AccessDeniedException e) {
      throw new AccessDeniedException(directory.toString());
    }
    var file = new PendingFile(absolute, temporary, existing, channel);
    OPEN.add(file);
    if (abandoned) {
      file.close();
      throw new IOException(path + ": not started, the process is ending");
    }
    return file;
  }

  private static void refuseIfPresent(Path path) throws FileAlreadyExistsException {
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(path.toString());
    }
  }

  /** Where the content goes; open until this file is closed. */
  public FileChannel channel() {
    return channel;
  }

  /** What it is called until {@link #commit}. */
  public Path temporary() {
    return temporary;
  }

  /** The name it will have. */
  public Path path() {
    return path;
  }

  /**
   * Gives the file its name, once its content is on stable storage.
   *
   * @throws FileAlreadyExistsException if a file of that name came up meanwhile and is to be kept
   */
  public void commit() throws IOException {
    channel.force(true);
    if (existing == Existing.REPLACE || !linked()) {
      Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
    }
    committed = true;
    OPEN.remove(this);
  }

  /** A link, unlike a move, never takes the place of another file; false where there are none. */
  private boolean linked() throws IOException {
    try {
      Files.createLink(path, temporary);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (UnsupportedOperationException | FileSystemException e) {
      refuseIfPresent(path);
      return false;
    }
    Files.delete(temporary);
    return true;
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!committed) {
      Files.deleteIfExists(temporary);
      OPEN.remove(this);
    }
  }

  /**
   * Removes what every unfinished file of this process has left on disk, and lets none be started
   * any more. For a process that is being stopped: their writers may still run, and fail.
   */
  public static void abandonAll() {
    abandoned = true;
    for (PendingFile file : OPEN) {
      try {
        Files.deleteIfExists(file.temporary);
      } catch (IOException e) {
        // The process ends; there is nobody left to act on it.
      }
    }
  }
}
