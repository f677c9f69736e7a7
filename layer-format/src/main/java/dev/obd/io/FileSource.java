package dev.obd.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A local file, read only. Its size is the size at opening; a file that shrinks gives errors, never
 * other bytes.
 */
public final class FileSource implements BlockSource {
  private final FileChannel channel;
  private final String name;
  private final long size;

  private FileSource(FileChannel channel, String name, long size) {
    this.channel = channel;
    this.name = name;
    this.size = size;
  }

  /** Opens {@code path}; the path is the source's name. */
  public static FileSource open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    try {
      return new FileSource(channel, path.toString(), channel.size());
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    long at = offset;
    while (dst.hasRemaining()) {
      int n = channel.read(dst, at);
      if (n < 0) {
        throw new FormatException(name, at, "file", size + " bytes as at opening", "end of file");
      }
      at += n;
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
