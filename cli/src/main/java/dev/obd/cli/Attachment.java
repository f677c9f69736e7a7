package dev.obd.cli;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.OpenOptions;
import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * An image opened as a device, and the places where it is exported. Closing takes it away, newest
 * export first, and drains it.
 */
final class Attachment implements Closeable {
  private final Image image;
  private final BlockDevice device;
  private final Deque<Export> exports = new ArrayDeque<>();

  private final ExecutorService threads;

  private Attachment(Image image, BlockDevice device, ExecutorService threads) {
    this.image = image;
    this.device = device;
    this.threads = threads;
  }

  /** Opens an image; nothing can reach it before {@link #export}. */
  public static Attachment open(
      Session session, ImagePlan plan, OpenOptions options, Duration patience) throws IOException {
    Image image = session.opener().open(plan, options);
    if (image.size() % 512 != 0) {
      image.close();
      throw new IOException(
          plan.name() + ": virtual size: expected a multiple of 512 bytes, got " + image.size());
    }
    // Platform threads: a mounted device answers the kernel from this very process, and a virtual
    // thread
    // would wait for a carrier that may be stuck in a system call which waits for that answer.
    ExecutorService threads =
        Executors.newCachedThreadPool(Thread.ofPlatform().name("obd-io-", 0).daemon().factory());
    DeviceOptions device = DeviceOptions.DEFAULTS;
    return new Attachment(
        image,
        new BlockDevice(
            plan.name(),
            image,
            new DeviceOptions(patience, device.hangGrace(), device.ticker(), threads)),
        threads);
  }

  /** Publishes the device and returns once a client can open it. */
  public Export export(URI where) throws IOException, InterruptedException {
    Export export = Frontends.of(where).export(device, where);
    exports.push(export);
    return export;
  }

  public Image image() {
    return image;
  }

  public BlockDevice device() {
    return device;
  }

  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (Export export = exports.poll(); export != null; export = exports.poll()) {
      try {
        export.close();
      } catch (IOException e) {
        failure = chain(failure, e);
      }
    }
    try {
      device.close();
    } catch (IOException e) {
      failure = chain(failure, e);
    }
    threads.shutdown();
    if (failure != null) {
      throw failure;
    }
  }

  private static IOException chain(@Nullable IOException first, IOException next) {
    if (first == null) {
      return next;
    }
    first.addSuppressed(next);
    return first;
  }
}
