package dev.obd.fuse;

import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * One open {@code /dev/fuse}. A request must be answered on the channel that it came from.
 * Thread-safe for {@link #send}; one thread at a time in {@link #receive}.
 */
final class Channel implements Closeable {
  static final Path DEVICE = Path.of("/dev/fuse");

  private static final Logger log = LogManager.getLogger(Channel.class);

  /** {@code _IOR(229, 0, uint32_t)}. */
  private static final long FUSE_DEV_IOC_CLONE = 0x8004e500L;

  private final Fd fd;

  Channel(Fd fd) {
    this.fd = fd;
  }

  /** A further channel of the same connection, which is already mounted. */
  Channel another() throws IOException {
    Fd clone = Fd.open(DEVICE, Fd.READ_WRITE);
    try {
      ByteBuffer number = ByteBuffer.allocateDirect(4).order(java.nio.ByteOrder.nativeOrder());
      clone.ioctl("FUSE_DEV_IOC_CLONE", FUSE_DEV_IOC_CLONE, number.putInt(0, fd.number()));
      return new Channel(clone);
    } catch (IOException e) {
      clone.close();
      throw e;
    }
  }

  /**
   * Waits for a request and reads it to index 0 of {@code request}; its limit is its end.
   *
   * @return false once the file system is unmounted or the connection aborted
   */
  boolean receive(ByteBuffer request) throws IOException {
    while (true) {
      request.clear();
      try {
        fd.read(request);
        request.flip();
        return true;
      } catch (ErrnoException e) {
        if (e.is(Errno.ENODEV) || e.is(Errno.ECONNABORTED)) {
          return false;
        }
        // ENOENT: whoever asked gave up just now; EAGAIN: another reader was faster.
        if (!e.is(Errno.ENOENT) && !e.is(Errno.EAGAIN)) {
          throw e;
        }
      } catch (ClosedChannelException _) {
        return false;
      }
    }
  }

  /** Sends an answer, all of it at once as the kernel wants it. */
  void send(ByteBuffer answer) {
    try {
      fd.write(answer);
    } catch (ClosedChannelException _) {
      // the connection is gone, and whoever asked with it
    } catch (IOException e) {
      // ENOENT: whoever asked gave up. ENODEV, ECONNABORTED: unmounted or aborted meanwhile.
      if (e instanceof ErrnoException errno
          && (errno.is(Errno.ENOENT) || errno.is(Errno.ENODEV) || errno.is(Errno.ECONNABORTED))) {
        return;
      }
      log.error("fuse.answer.failed length={}", answer.limit(), e);
    }
  }

  @Override
  public void close() throws IOException {
    fd.close();
  }
}
