package dev.obd.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * A new local file, written under a temporary name in the same directory and renamed when finished
 * and on stable storage: under its own name the file is whole or absent.
 */
public final class FileSink implements ByteSink {
  private final PendingFile file;
  private final FileChannel channel;
  private long position;

  private FileSink(PendingFile file) {
    this.file = file;
    this.channel = file.channel();
  }

  /** Starts writing {@code path}; an existing file stays as it is until {@link #finish}. */
  public static FileSink create(Path path) throws IOException {
    return create(path, PendingFile.Existing.REPLACE);
  }

  /**
   * Starts writing {@code path}.
   *
   * @throws java.nio.file.FileAlreadyExistsException if it exists and is to be kept
   */
  public static FileSink create(Path path, PendingFile.Existing existing) throws IOException {
    return new FileSink(PendingFile.create(path, existing));
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
    file.commit();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
