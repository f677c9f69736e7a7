package dev.obd.tcmu;

import dev.obd.backstore.device.HandledDevice;
import dev.obd.io.Ticker;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.configfs.DeviceTree;
import dev.obd.tcmu.configfs.KernelPaths;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * The process's one {@link TcmuService}: it is started for its first source and stopped after its
 * last one. The kernel has one place for a listener's settings, so two would disturb each other.
 */
final class SharedService {
  private static final int OPEN_AT_ONCE = 64;
  private static final Duration HELD_PATIENCE = Duration.ofSeconds(60);

  private static @Nullable TcmuService running; // guarded by the class
  private static int users; // guarded by the class

  private SharedService() {}

  /** One source's part in the service. Closing it leaves its devices; idempotent. */
  static final class Lease implements Closeable {
    private final TcmuService service;
    private final ServedSource source;
    private boolean closed;

    private Lease(TcmuService service, ServedSource source) {
      this.service = service;
      this.source = source;
    }

    TcmuService service() {
      return service;
    }

    ServedSource source() {
      return source;
    }

    @Override
    public synchronized void close() throws IOException {
      if (closed) {
        return;
      }
      closed = true;
      List<HandledDevice> remaining =
          service.devices(source).stream().map(TcmuDevice::describe).toList();
      service.remove(source);
      release(service, remaining);
    }
  }

  /** Serves {@code source} from now on. May wait. */
  static synchronized Lease join(ServedSource source) throws IOException {
    TcmuService service = running;
    if (service == null) {
      service = TcmuService.start(environment(), source);
      running = service;
    } else {
      service.add(source);
    }
    users++;
    return new Lease(service, source);
  }

  /** The device with this name, if this process serves it. */
  static synchronized Optional<TcmuDevice> find(DeviceName name) {
    return running == null ? Optional.empty() : running.find(name);
  }

  private static synchronized void release(TcmuService service, List<HandledDevice> remaining)
      throws IOException {
    users--;
    if (users == 0) {
      running = null;
      service.stop(remaining);
    }
  }

  private static Environment environment() {
    Ticker ticker = Ticker.SYSTEM;
    return new Environment(
        KernelPaths.SYSTEM,
        new DeviceTree(KernelPaths.SYSTEM, ticker),
        ticker,
        pool("obd-tcmu-life-"),
        pool("obd-tcmu-io-"),
        new Semaphore(OPEN_AT_ONCE),
        HELD_PATIENCE);
  }

  /** A platform thread for each task: what answers the kernel must not wait for a carrier. */
  private static Executor pool(String name) {
    return Executors.newCachedThreadPool(Thread.ofPlatform().name(name, 0).daemon().factory());
  }
}
