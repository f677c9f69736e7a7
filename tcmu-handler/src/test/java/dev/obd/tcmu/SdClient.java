package dev.obd.tcmu;

import dev.obd.backstore.device.DeviceFrontendContract.Client;
import dev.obd.nativeio.Fd;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A program that uses a disk through its node. */
final class SdClient implements Client {
  private static final long BLKDISCARD = 0x1277;

  private final Path node;
  private final FileChannel reader;

  SdClient(Path node) throws IOException {
    this.node = node;
    this.reader = FileChannel.open(node, StandardOpenOption.READ);
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    while (dst.hasRemaining()) {
      if (reader.read(dst, offset + dst.position()) < 0) {
        throw new EOFException(node + " ended before " + (offset + dst.limit()));
      }
    }
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    try (var writer = FileChannel.open(node, StandardOpenOption.WRITE)) {
      long at = offset;
      while (src.hasRemaining()) {
        at += writer.write(src, at);
      }
    }
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    try (Fd writer = Fd.open(node, Fd.READ_WRITE)) {
      ByteBuffer range = ByteBuffer.allocateDirect(2 * Long.BYTES).order(ByteOrder.nativeOrder());
      writer.ioctl("BLKDISCARD", BLKDISCARD, range.putLong(0, offset).putLong(8, length));
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
  }
}
