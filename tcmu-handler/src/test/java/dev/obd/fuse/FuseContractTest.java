package dev.obd.fuse;

import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.DeviceFrontendContract;
import dev.obd.backstore.device.Export;
import dev.obd.nativeio.Fd;
import java.io.EOFException;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The contract through the file. By force, since its clients are there when an export ends. */
class FuseContractTest extends DeviceFrontendContract {
  @Override
  protected DeviceFrontend frontend() {
    return new FuseFrontend();
  }

  @Override
  protected URI where(Path directory) {
    return URI.create("fuse://" + directory.resolve("disk") + "?force=1");
  }

  @Override
  protected Client connect(Export export) throws IOException {
    Path file = Path.of(export.address());
    FileChannel reader = FileChannel.open(file, StandardOpenOption.READ);
    return new Client() {
      @Override
      public void read(long offset, ByteBuffer dst) throws IOException {
        while (dst.hasRemaining()) {
          if (reader.read(dst, offset + dst.position()) < 0) {
            throw new EOFException(file + " ended before " + (offset + dst.limit()));
          }
        }
      }

      @Override
      public void write(long offset, ByteBuffer src) throws IOException {
        try (var writer = FileChannel.open(file, StandardOpenOption.WRITE)) {
          writer.write(src, offset);
        }
      }

      @Override
      public void discard(long offset, long length) throws IOException {
        try (Fd writer = Fd.open(file, Fd.READ_WRITE)) {
          writer.punchHole(offset, length);
        }
      }

      @Override
      public void flush() throws IOException {
        try (var writer = FileChannel.open(file, StandardOpenOption.WRITE)) {
          writer.force(true);
        }
      }

      @Override
      public void close() throws IOException {
        reader.close();
      }
    };
  }
}
