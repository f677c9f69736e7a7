package dev.obd.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A new local file, written under a temporary name in the same directory and renamed when finished
 * and on stable storage: under its own name the file is whole or absent.
 */
public final class FileSink implements ByteSink {
  private final Path path;
  private final Path temporary;
  private final FileChannel channel;
  private long position;
  private boolean finished;

  private FileSink(Path path, Path temporary, FileChannel channel) {
    this.path = path;
    this.temporary = temporary;
    this.channel = channel;
  }

  /** Starts writing {@code path}; an existing file stays as it is until {@link #finish}. */
  public static FileSink create(Path path) throws IOException {
    Path absolute = path.toAbsolutePath();
    Path temporary =
        absolute.resolveSibling(
            "." + absolute.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    return new FileSink(
        absolute,
        temporary,
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE));
  }

  @Override
  public long position() {
    return position;
  }

  @Override
  public void write(ByteBuffer src) throws IOException {
    while (src.hasRemaining()) {
      position += channel.write(src, position);
    }
  }

  @Override
  public boolean patchable() {
    return true;
  }

  @Override
  public void patch(long offset, ByteBuffer src) throws IOException {
    if (offset < 0 || offset > position - src.remaining()) {
      throw new IllegalArgumentException(
          "patch of "
              + src.remaining()
              + " bytes at "
              + offset
              + " leaves the "
              + position
              + " bytes written");
    }
    long at = offset;
    while (src.hasRemaining()) {
      at += channel.write(src, at);
    }
  }

  @Override
  public void finish() throws IOException {
    channel.force(true);
    Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
    finished = true;
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!finished) {
      Files.deleteIfExists(temporary);
    }
  }
}
