package dev.obd.ublk;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Export;
import dev.obd.io.Deadline;
import dev.obd.io.Ticker;
import dev.obd.mount.NodeUsers;
import dev.obd.mount.PlatformThread;
import dev.obd.nativeio.Fd;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/** A device at {@code /dev/ublkbN}. */
final class UblkExport implements Export {
  private static final Logger log = LogManager.getLogger(UblkExport.class);

  /** With requests that are under way; reads end before. */
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private static final Duration FORCED_PATIENCE = Duration.ofSeconds(10);
  private static final Duration QUIESCE_PATIENCE = Duration.ofSeconds(30);

  private final BlockDevice device;
  private final UblkNode node;
  private final Fd file;
  private final Ticker ticker;
  private final Queue queue;
  private boolean closed; // guarded by this
  private boolean queueEnded; // guarded by this

  private UblkExport(BlockDevice device, UblkNode node, Fd file, Ticker ticker, Executor workers)
      throws IOException {
    this.device = device;
    this.node = node;
    this.file = file;
    this.ticker = ticker;
    this.queue = Queue.start(device, file, workers, this::failed);
  }

  /**
   * Begins to answer; the kernel does not ask yet.
   *
   * @param file the device's, closed with this, or before this returns if it fails
   */
  static UblkExport serve(
      BlockDevice device, UblkNode node, Fd file, Ticker ticker, Executor workers)
      throws IOException {
    boolean served = false;
    try {
      var export = new UblkExport(device, node, file, ticker, workers);
      served = true;
      return export;
    } finally {
      if (!served) {
        file.close();
      }
    }
  }

  /** Nothing is answered any more: so its users must not wait. */
  private void failed() {
    Thread.ofPlatform()
        .name("obd-ublk-end-" + node.number())
        .daemon()
        .start(() -> {
          try {
            detach(true);
          } catch (IOException e) {
            log.error("ublk.detach.failed device={} node={}", device.id(), node.disk(), e);
          }
        });
  }

  @Override
  public String address() {
    return node.disk().toString();
  }

  @Override
  public Optional<String> resized() throws IOException {
    return PlatformThread.callUninterrupted(() -> {
      try (Control control = Control.open()) {
        if ((control.features() & Features.UPDATE_SIZE) == 0) {
          return Optional.of(
              "the kernel cannot change the size of a ublk device (Linux 6.16 and later can):"
                  + " detach it and attach it again");
        }
        control.updateSize(node.number(), Parameters.of(device).sectors());
        return Optional.empty();
      }
    });
  }

  /** The kernel keeps the device, and its requests, for as long as nobody takes it over. */
  @Override
  public boolean leave() throws IOException {
    return PlatformThread.callUninterrupted(this::leaveToNext);
  }

  private synchronized boolean leaveToNext() throws IOException {
    if (closed) {
      return false;
    }
    try (Control control = Control.open()) {
      closed = true; // whatever happens now: the device is the next process's, and stays
      endQueue(control, PATIENCE);
    }
    log.info("ublk.left device={} node={}", device.id(), node.disk());
    return true;
  }

  /**
   * After this the kernel keeps requests back: the process is dead to it once the thread has ended
   * and the file is closed.
   *
   * @param patience with requests under way; those that take longer are the next process's, too
   */
  private void endQueue(Control control, Duration patience) throws IOException {
    if (!queueEnded) {
      queue.leave();
      if (!queue.awaitEnd(patience)) {
        log.warn("ublk.impatient device={} node={}", device.id(), node.disk());
        queue.abandon();
        queue.awaitEnd();
      }
      queueEnded = true;
      try {
        queue.close();
      } finally {
        file.close();
      }
    }
    awaitQuiesced(control);
  }

  /** The kernel sees the queue's end a little later than we do. */
  private void awaitQuiesced(Control control) throws IOException {
    Deadline end = Deadline.after(ticker, QUIESCE_PATIENCE);
    while (true) {
      @Nullable DeviceInfo info = control.info(node.number()).orElse(null);
      if (info == null || info.state() != DeviceInfo.State.LIVE) {
        return;
      }
      UblkNode.pause(ticker, end, node.disk() + " still waits for answers of this process");
    }
  }

  @Override
  public void close() throws IOException {
    close(false);
  }

  @Override
  public void close(boolean force) throws IOException {
    PlatformThread.callUninterrupted(() -> {
      detach(force);
      return "";
    });
  }

  /**
   * First the queue ends, then the device: to stop one that is served the kernel waits for answers,
   * and a process that is killed while it waits can neither answer nor end.
   */
  private synchronized void detach(boolean force) throws IOException {
    if (closed) {
      return;
    }
    if (!force) {
      NodeUsers.requireNone(node.disk(), ticker);
    }
    try (Control control = Control.open()) {
      endQueue(control, force ? FORCED_PATIENCE : PATIENCE);
      control.remove(node.number());
      closed = true; // not before: who tries once more finds what is left to do
    }
    log.info("ublk.detached device={} node={}", device.id(), node.disk());
  }
}
