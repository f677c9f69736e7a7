package dev.obd.kernelnbd;

import dev.obd.backstore.device.DeviceFrontendContract;
import dev.obd.nativeio.Fd;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Reads and writes a block device; before each read the page cache, which would answer, is emptied.
 */
public final class BlockDeviceClient implements DeviceFrontendContract.Client {
  private static final long BLKFLSBUF = 0x1261;
  private static final long BLKDISCARD = 0x1277;

  private final Path node;
  private final Fd cache;
  private final FileChannel reader;

  public BlockDeviceClient(Path node) throws IOException {
    this.node = node;
    this.cache = Fd.open(node, Fd.READ_ONLY);
    this.reader = FileChannel.open(node, StandardOpenOption.READ);
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    cache.ioctl("BLKFLSBUF", BLKFLSBUF, 0);
    int start = dst.position();
    while (dst.hasRemaining()) {
      if (reader.read(dst, offset + dst.position() - start) <= 0) {
        throw new EOFException(node + " ended before " + (offset + dst.limit() - start));
      }
    }
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    try (var writer = FileChannel.open(node, StandardOpenOption.WRITE)) {
      int start = src.position();
      while (src.hasRemaining()) {
        writer.write(src, offset + src.position() - start);
      }
    }
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    ByteBuffer range = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    range.putLong(0, offset).putLong(8, length);
    try (Fd writer = Fd.open(node, Fd.READ_WRITE)) {
      writer.ioctl("BLKDISCARD", BLKDISCARD, range);
    }
  }

  @Override
  public void flush() throws IOException {
    try (var writer = FileChannel.open(node, StandardOpenOption.WRITE)) {
      writer.force(true);
    }
  }

  @Override
  public void close() throws IOException {
    reader.close();
    cache.close();
  }
}
