package dev.obd.backstore.fleet;

import dev.obd.backstore.device.Disk;
import dev.obd.backstore.device.StallReport;
import dev.obd.backstore.image.Image;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/** An image as the disk of a device; says when it is closed. */
final class ImageDisk implements Disk {
  private final Image image;
  private final Runnable closed;

  /**
   * Owns the image.
   *
   * @param closed is run once the image is closed, however well that went
   */
  ImageDisk(Image image, Runnable closed) {
    this.image = image;
    this.closed = closed;
  }

  @Override
  public long size() {
    return image.size();
  }

  @Override
  public boolean writable() {
    return image.writable();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    image.read(offset, dst);
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    image.write(offset, src);
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    image.discard(offset, length);
  }

  @Override
  public void flush() throws IOException {
    image.flush();
  }

  @Override
  public void prefetch(long offset, long length) throws IOException {
    image.prefetch(offset, length);
  }

  @Override
  public void extents(long offset, long length, Visitor visitor) throws IOException {
    image.extents(offset, length, visitor);
  }

  @Override
  public Optional<StallReport> stall() {
    return image.stall();
  }

  @Override
  public boolean isDown() {
    return image.isDown();
  }

  @Override
  public boolean mayPass(Throwable failure) {
    return image.mayPass(failure);
  }

  @Override
  public void close() throws IOException {
    try {
      image.close();
    } finally {
      closed.run();
    }
  }
}
