package dev.obd.tcmu;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.HandledDevice.State;
import dev.obd.io.Deadline;
import dev.obd.io.Ticker;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.configfs.Lun;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One disk that this process shows. */
final class TcmuExport implements Export {
  private static final Duration TAKEOVER_PATIENCE = Duration.ofSeconds(60);
  private static final Duration TAKEOVER_LOOK = Duration.ofMillis(10);

  private static final ExportedDisks DISKS = new ExportedDisks();
  private static SharedService.@Nullable Lease lease; // guarded by the class

  private final DeviceName name;
  private final TcmuHandling handling;
  private final SharedService.Lease shared;
  private boolean closed;

  private TcmuExport(DeviceName name, SharedService.Lease shared) {
    this.name = name;
    this.shared = shared;
    this.handling = new TcmuHandling(shared);
  }

  /** Claims {@code name}; if such a device exists it is taken over. */
  static synchronized TcmuExport prepare(DeviceName name, BlockDevice device) throws IOException {
    DISKS.add(name, device);
    try {
      SharedService.Lease joined = lease;
      if (joined == null) {
        joined = SharedService.join(DISKS);
        lease = joined;
      } else {
        joined.service().adoptExisting(DISKS);
      }
      return new TcmuExport(name, joined);
    } catch (IOException | RuntimeException e) {
      DISKS.forget(name);
      throw e;
    }
  }

  void create() throws IOException, InterruptedException {
    handling.make(name);
  }

  /** Waits until a device that was taken over is served. */
  void awaitServed() throws IOException, InterruptedException {
    Ticker ticker = shared.service().environment().ticker();
    Deadline end = Deadline.after(ticker, TAKEOVER_PATIENCE);
    while (true) {
      Optional<TcmuDevice> device = shared.service().find(name);
      if (device.isPresent() && device.get().state() instanceof State.Serving) {
        return;
      }
      if (end.expired()) {
        String state = device.map(d -> d.state().toString()).orElse("gone");
        throw new IOException(name.device() + " was not taken over: " + state);
      }
      ticker.sleep(TAKEOVER_LOOK.toNanos());
    }
  }

  /** Claims it no more. A device that is there is left to the next process. */
  void forget() throws IOException {
    SharedService.Lease last = null;
    synchronized (TcmuExport.class) {
      DISKS.forget(name);
      if (DISKS.isEmpty()) {
        last = lease;
        lease = null;
      }
    }
    if (last != null) {
      last.close();
    }
  }

  @Override
  public String address() {
    return shared
        .service()
        .find(name)
        .flatMap(TcmuDevice::lun)
        .flatMap(Lun::node)
        .map(Path::toString)
        .orElse(name.device());
  }

  @Override
  public Optional<String> resized() throws IOException {
    TcmuDevice device =
        shared
            .service()
            .find(name)
            .orElseThrow(() -> new IOException(name.device() + " is not there any more"));
    return handling.resized(device);
  }

  @Override
  public void close() throws IOException {
    close(false);
  }

  @Override
  public synchronized void close(boolean force) throws IOException {
    if (closed) {
      return;
    }
    handling.remove(name.device(), force);
    closed = true;
    forget();
  }
}
