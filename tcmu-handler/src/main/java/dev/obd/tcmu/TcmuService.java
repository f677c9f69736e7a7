package dev.obd.tcmu;

import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.HandledDevice.State;
import dev.obd.io.Deadline;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.EventFd;
import dev.obd.nativeio.Poll;
import dev.obd.tcmu.TcmuDevice.Opened;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.netlink.DeviceEvent;
import dev.obd.tcmu.netlink.DeviceEvents;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * This process's TCMU devices: hears of them, serves those that one of its sources claims, leaves
 * all others alone. Thread-safe. One per process: see {@link SharedService}.
 */
final class TcmuService {
  private static final Logger log = LogManager.getLogger(TcmuService.class);
  private static final Duration TICK = Duration.ofMillis(500);
  private static final Duration SCAN = Duration.ofSeconds(5);
  private static final Duration END_PATIENCE = Duration.ofSeconds(60);

  private final Environment environment;
  private final DeviceEvents events;
  private final EventFd wake;
  private final List<ServedSource> sources = new CopyOnWriteArrayList<>();

  /** By the number of the {@code /dev/uio}. */
  private final Map<Integer, TcmuDevice> devices = new ConcurrentHashMap<>();

  /** Why new devices did not open, for whoever makes them. */
  private final Map<DeviceName, String> refusals = new ConcurrentHashMap<>();

  /** Events that are being answered, which the end waits for. */
  private final AtomicInteger answering = new AtomicInteger();

  private final Thread listener;
  private final Thread clock;
  private volatile boolean closing;

  private TcmuService(Environment environment, DeviceEvents events, EventFd wake) {
    this.environment = environment;
    this.events = events;
    this.wake = wake;
    this.listener = platform("obd-tcmu-events", this::listen);
    this.clock = platform("obd-tcmu-clock", this::watchTime);
  }

  private static Thread platform(String name, Runnable task) {
    return Thread.ofPlatform().name(name).daemon().unstarted(task);
  }

  /** Begins to listen, takes over what {@code source} claims, and lets devices be made. */
  static TcmuService start(Environment environment, ServedSource source) throws IOException {
    DeviceEvents events = DeviceEvents.start(environment.paths().parameters());
    EventFd wake = null;
    try {
      wake = EventFd.create();
      var service = new TcmuService(environment, events, wake);
      service.listener.start();
      service.clock.start();
      service.add(source);
      return service;
    } catch (IOException e) {
      events.close();
      if (wake != null) {
        wake.close();
      }
      throw e;
    } finally {
      events.unblock();
    }
  }

  Environment environment() {
    return environment;
  }

  /** Takes over what {@code source} claims of the devices that exist. */
  void add(ServedSource source) throws IOException {
    sources.add(source);
    adoptExisting(source);
  }

  /** Takes over what {@code source}, which was added, claims by now. */
  void adoptExisting(ServedSource source) throws IOException {
    for (Map.Entry<Integer, DeviceName> found : UioDevice.list(environment.paths()).entrySet()) {
      if (source.claims(found.getValue())) {
        adopt(found.getKey(), found.getValue(), source);
      }
    }
  }

  private void adopt(int uio, DeviceName name, ServedSource source) {
    TcmuDevice device = device(uio, name, source);
    if (devices.putIfAbsent(uio, device) == null) {
      device.adopt();
    }
  }

  private TcmuDevice device(int uio, DeviceName name, ServedSource source) {
    var self = new TcmuDevice[1];
    self[0] = new TcmuDevice(uio, name, source, environment, () -> devices.remove(uio, self[0]));
    return self[0];
  }

  private Optional<ServedSource> claimant(DeviceName name) {
    return sources.stream().filter(s -> s.claims(name)).findFirst();
  }

  private void listen() {
    try {
      var poll = new Poll(events.fd(), wake.fd());
      while (!closing) {
        List<DeviceEvent> batch = events.next();
        batch.forEach(this::handle);
        if (batch.isEmpty()) {
          poll.await(-1);
          if (poll.ready(1)) {
            wake.clear();
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      if (!closing) {
        log.error("tcmu.events.failed", e); // devices are still found by looking for them
      }
    }
  }

  private void handle(DeviceEvent event) {
    Optional<DeviceName> parsed = DeviceName.parse(event.device());
    Optional<ServedSource> source = parsed.flatMap(this::claimant);
    if (parsed.isEmpty() || source.isEmpty()) {
      return; // another program's, which answers
    }
    DeviceName name = parsed.get();
    log.debug("tcmu.event {}", event);
    TcmuDevice known = devices.get(event.uio());
    if (known != null && (!known.name().equals(name) || known.isClosed())) {
      known = null; // the number was used before
    }
    switch (event) {
      case DeviceEvent.Added _ -> added(event, name, source.get(), known);
      case DeviceEvent.Removed _ -> removed(event, known);
      case DeviceEvent.Reconfigured changed ->
          events.answer(
              event,
              known != null
                      && changed.size().isPresent()
                      && known.hasBecome(changed.size().getAsLong())
                  ? 0
                  : -Errno.EOPNOTSUPP.number());
    }
  }

  private void added(
      DeviceEvent event, DeviceName name, ServedSource source, @Nullable TcmuDevice known) {
    // It may have been found before its event came; how its opening ends counts all the same.
    TcmuDevice device = known != null ? known : device(event.uio(), name, source);
    devices.put(event.uio(), device);
    refusals.remove(name);
    answer(
        event,
        () -> {
          return switch (device.openNew()) {
            case Opened.Served _ -> OptionalInt.of(0);
            case Opened.Elsewhere _ -> OptionalInt.empty();
            case Opened.Refused(String why) -> {
              if (name.hba() == OwnDevices.HBA) { // others do not ask
                refusals.put(name, why);
              }
              yield OptionalInt.of(-Errno.ENOENT.number());
            }
          };
        });
  }

  private void removed(DeviceEvent event, @Nullable TcmuDevice known) {
    if (known == null) {
      events.answer(event, 0);
      return;
    }
    answer(
        event,
        () -> {
          known.remove();
          return OptionalInt.of(0);
        });
  }

  private interface Work {
    /** The answer; empty if it is another process's to give. */
    OptionalInt run();
  }

  /** Others' events go on meanwhile. */
  private void answer(DeviceEvent event, Work work) {
    answering.incrementAndGet();
    Runnable task =
        () -> {
          OptionalInt status = OptionalInt.of(-Errno.EIO.number());
          try {
            status = work.run();
          } finally {
            status.ifPresent(s -> events.answer(event, s));
            answering.decrementAndGet();
          }
        };
    try {
      environment.lifecycle().execute(task);
    } catch (OutOfMemoryError e) { // no memory for a thread; but the kernel waits for an answer
      log.error("tcmu.event.threadless device={}", event.device(), e);
      task.run();
    }
  }

  private void watchTime() {
    Deadline nextScan = Deadline.after(environment.ticker(), SCAN);
    long dropped = 0;
    Set<Integer> suspects = Set.of();
    while (!closing) {
      try {
        environment.ticker().sleep(TICK.toNanos());
        devices.values().forEach(TcmuDevice::tick);
        long now = events.dropped();
        if (now != dropped) {
          log.warn("tcmu.events.lost count={}", now - dropped);
          dropped = now;
          events.failWaiting();
          nextScan = Deadline.after(environment.ticker(), Duration.ZERO);
        }
        if (nextScan.expired()) {
          suspects = scan(suspects);
          nextScan = Deadline.after(environment.ticker(), SCAN);
        }
      } catch (InterruptedException _) {
        return;
      } catch (IOException | RuntimeException e) {
        if (!closing) {
          log.warn("tcmu.scan.failed", e);
        }
      }
    }
  }

  /**
   * Takes over devices that exist, are ours and are not served, and forgets those that exist no
   * more, although it was so at the last look, too: their events were lost.
   *
   * @return those of which it was not so at the last look
   */
  private Set<Integer> scan(Set<Integer> suspects) throws IOException {
    Map<Integer, DeviceName> existing = UioDevice.list(environment.paths());
    var next = new HashSet<Integer>();
    existing.forEach((uio, name) -> {
      Optional<ServedSource> source = claimant(name);
      if (source.isEmpty() || devices.containsKey(uio)) {
        return;
      }
      if (suspects.contains(uio)) {
        log.warn("tcmu.event.lost device={}", name);
        adopt(uio, name, source.get());
      } else {
        next.add(uio);
      }
    });
    devices.forEach((uio, device) -> {
      // One that is being opened stays, however long that takes: the kernel waits for how it ends.
      if (device.name().equals(existing.get(uio)) || device.isBeingOpened()) {
        return;
      }
      if (suspects.contains(uio)) {
        log.warn("tcmu.event.lost device={}", device.name());
        device.gone();
      } else {
        next.add(uio);
      }
    });
    return next;
  }

  /** All devices of one source. */
  List<TcmuDevice> devices(ServedSource source) {
    return devices.values().stream().filter(d -> d.source().equals(source)).toList();
  }

  /** The device with this name; empty if it is not served here. */
  Optional<TcmuDevice> find(DeviceName name) {
    return devices.values().stream().filter(d -> d.name().equals(name)).findFirst();
  }

  /** Why {@code name} could not be opened when it was made; empty if that is not known. */
  Optional<String> takeRefusal(DeviceName name) {
    return Optional.ofNullable(refusals.remove(name));
  }

  /** The devices of {@code source} are left to the next process. May wait. */
  void remove(ServedSource source) {
    sources.remove(source);
    inParallel(devices(source), TcmuDevice::leave);
  }

  private void inParallel(List<TcmuDevice> many, Consumer<TcmuDevice> work) {
    var left = new CountDownLatch(many.size());
    for (TcmuDevice device : many) {
      environment
          .lifecycle()
          .execute(() -> {
            try {
              work.accept(device);
            } finally {
              left.countDown();
            }
          });
    }
    boolean interrupted = false;
    while (true) {
      try {
        left.await();
        break;
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Hears of no devices any more. May wait.
   *
   * @param remaining names of devices that stay
   */
  void stop(List<HandledDevice> remaining) throws IOException {
    try {
      events.stop(!remaining.isEmpty());
      Deadline end = Deadline.after(environment.ticker(), END_PATIENCE);
      while (answering.get() > 0 && !end.expired()) {
        environment.ticker().sleep(Duration.ofMillis(10).toNanos());
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      closing = true;
      wake.signal();
      clock.interrupt();
      joinThreads();
      wake.close();
      events.close();
    }
  }

  private void joinThreads() {
    for (Thread thread : List.of(listener, clock)) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException _) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    }
  }

  /** How many devices are in which state, for the log. */
  @Override
  public String toString() {
    var text = new ArrayList<String>();
    for (TcmuDevice device : devices.values()) {
      State state = device.state();
      text.add(device.name().device() + " " + state.getClass().getSimpleName());
    }
    return text.toString();
  }
}
