package dev.obd.tcmu;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceState;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.HandledDevice.State;
import dev.obd.io.FailureText;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.configfs.Lun;
import dev.obd.tcmu.ring.CommandRing;
import dev.obd.tcmu.scsi.Identity;
import dev.obd.tcmu.scsi.ScsiDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One device from the time the kernel tells of it until it goes or is left to another process. Its
 * ring is served from the start; until the image is open, commands are held. Methods that may wait
 * say so; the lock is never held while something waits.
 */
final class TcmuDevice implements RingThread.Listener {
  private static final Logger log = LogManager.getLogger(TcmuDevice.class);
  private static final Duration DRAIN_PATIENCE = Duration.ofSeconds(30);
  private static final Duration DRAIN_LOOK = Duration.ofMillis(5);

  /**
   * A process that was killed keeps its devices until its last thread has ended; and others look
   * for a moment whether a device is served.
   */
  private static final Duration TAKEOVER_PATIENCE = Duration.ofSeconds(2);

  private static final Duration TAKEOVER_LOOK = Duration.ofMillis(20);

  private final int uioNumber;
  private final DeviceName name;
  private final ServedSource source;
  private final Environment environment;
  private final Runnable forget;
  private final Backoff backoff;
  private final CommandGate gate;

  /** When commands may be failed again that nobody else will answer. */
  private final Backoff ending;

  /** True while the device has ended and nobody answers its commands. */
  private volatile boolean unanswered;

  /** Whose permit is held while something opens or fails the device, so that nothing else does. */
  private final Semaphore opening = new Semaphore(1);

  private final AtomicBoolean closed = new AtomicBoolean();

  /** True from its removal until its source has heard of it. */
  private final AtomicBoolean removed = new AtomicBoolean();

  private volatile State state = new State.Opening();

  /** As it was found last, for lack of anything that tells of changes. */
  private volatile @Nullable Lun lun;

  /** Taken before the lock of this; held while the ring is opened, reset or closed. */
  private final ReentrantLock ringLock = new ReentrantLock();

  // Changed under ringLock.
  private volatile @Nullable UioDevice uio;
  private volatile @Nullable RingThread thread;

  // Guarded by this, like changes of state.
  private @Nullable BlockDevice disk;

  /** The size that the kernel may be told, -1 for none. */
  private volatile long newSize = -1;

  /**
   * @param forget called once it is gone
   */
  TcmuDevice(
      int uioNumber,
      DeviceName name,
      ServedSource source,
      Environment environment,
      Runnable forget) {
    this.uioNumber = uioNumber;
    this.name = name;
    this.source = source;
    this.environment = environment;
    this.forget = forget;
    this.backoff = new Backoff(environment.ticker());
    this.ending = new Backoff(environment.ticker());
    this.gate = new CommandGate(environment.ticker(), environment.heldPatience());
  }

  DeviceName name() {
    return name;
  }

  ServedSource source() {
    return source;
  }

  State state() {
    return state;
  }

  /** True while an attempt to open it is under way. */
  boolean isBeingOpened() {
    return opening.availablePermits() == 0;
  }

  /** True from when it is left or removed. */
  boolean isClosed() {
    return closed.get();
  }

  HandledDevice describe() {
    Optional<Path> node = lun().flatMap(Lun::node);
    return new HandledDevice("uio" + uioNumber, name.device(), name.config(), node, state);
  }

  /** Where it is seen; empty if nowhere, or that is not known. */
  Optional<Lun> lun() {
    Lun known = lun;
    if (known == null || !Files.isSymbolicLink(known.link())) {
      try {
        known = environment.tree().find(name).orElse(null);
      } catch (IOException e) {
        log.debug("tcmu.node.unknown device={}", name, e);
        known = null;
      }
      lun = known != null && known.node().isPresent() ? known : null;
    }
    return Optional.ofNullable(known);
  }

  /** How the opening of a new device ended. */
  sealed interface Opened {
    /** It is served. */
    record Served() implements Opened {}

    /** It is not, and nothing is left of it here. */
    record Refused(String reason) implements Opened {}

    /** Another process serves it, and answers for it; nothing is left of it here. */
    record Elsewhere() implements Opened {}
  }

  /**
   * Serves a device that the kernel is making, and that waits for how this ends. If it was found
   * before the kernel told of it, an attempt to take it over may be under way: that one decides if
   * it succeeds. May wait.
   */
  Opened openNew() {
    opening.acquireUninterruptibly();
    try {
      if (state instanceof State.Serving) {
        return new Opened.Served();
      }
      BlockDevice opened = openImage();
      try {
        source.prepare(opened); // others may open meanwhile
        serveRing(false);
      } catch (IOException | RuntimeException | Error e) {
        source.release(opened);
        throw e;
      }
      if (!serve(opened)) {
        throw new IOException(name.device() + " ended while it was being made");
      }
      return new Opened.Served();
    } catch (IOException | RuntimeException | Error e) { // also: no memory for a thread
      log.error("tcmu.open.failed device={}", name, e);
      shutRing(Duration.ZERO);
      closed.set(true);
      forget.run();
      return e.getCause() instanceof ErrnoException busy && busy.is(Errno.EBUSY)
          ? new Opened.Elsewhere()
          : new Opened.Refused(FailureText.of(e));
    } finally {
      opened();
    }
  }

  /** Takes over a device that exists. Waits for nothing; what fails is tried again by tick. */
  void adopt() {
    attempt(this::takeOver);
  }

  /** The time has passed on. Waits for nothing. */
  void tick() {
    gate.expire();
    if (state instanceof State.Parked && backoff.isDue()) {
      attempt(this::takeOver);
    }
    failIfEnded();
  }

  /** Commands that wait for a disk, and those that come, fail now. */
  void refuseCommands() {
    gate.refuse();
  }

  /** The attempt is over. */
  private void opened() {
    opening.release();
    tellIfRemoved();
  }

  /** Runs {@code task} on a thread of its own, unless an attempt is under way. */
  private void attempt(Runnable task) {
    if (closed.get() || !opening.tryAcquire()) {
      return;
    }
    try {
      environment
          .lifecycle()
          .execute(() -> {
            try {
              task.run();
            } finally {
              opened();
            }
          });
    } catch (OutOfMemoryError e) { // no memory for a thread
      failed(e);
      opened();
    }
  }

  private void takeOver() {
    try {
      serveRing(true);
      if (!closed.get() && serve(openImage())) {
        log.info("tcmu.adopted device={} uio={}", name, uioNumber);
      }
    } catch (IOException | RuntimeException | Error e) {
      failed(e);
    }
  }

  private void failed(Throwable why) {
    backoff.failed();
    park(FailureText.of(why));
    log.warn("tcmu.parked device={} tries={}", name, backoff.tries(), why);
  }

  private synchronized void park(String reason) {
    if (!(state instanceof State.Ended)) {
      state = new State.Parked(reason, backoff.tries());
    }
  }

  private BlockDevice openImage() throws IOException {
    environment.opening().acquireUninterruptibly();
    try {
      return source.open(name);
    } catch (RuntimeException e) { // somebody else's bug must not leave the kernel waiting
      throw new IOException(name.config() + ": " + e, e);
    } finally {
      environment.opening().release();
    }
  }

  /**
   * Opens the ring, if it is not open yet.
   *
   * @param takeOver a process before may have served it: what it left in the ring begins anew
   */
  private void serveRing(boolean takeOver) throws IOException {
    ringLock.lock();
    try {
      if (uio == null && !closed.get()) {
        startRing(takeOver);
      }
    } finally {
      ringLock.unlock();
    }
  }

  private void startRing(boolean takeOver) throws IOException {
    UioDevice opened = openUio();
    try {
      if (takeOver) { // this process alone has it now
        thread = restartRing(opened, true);
      } else {
        thread = RingThread.start(name.device(), opened, gate, this);
      }
      uio = opened;
    } catch (IOException | RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  private RingThread restartRing(UioDevice memory, boolean retry) throws IOException {
    environment.tree().block(name, true);
    try {
      environment.tree().resetRing(name, retry);
      return RingThread.start(name.device(), memory, gate, this);
    } finally {
      environment.tree().block(name, false);
    }
  }

  private UioDevice openUio() throws IOException {
    long end = environment.ticker().nanos() + TAKEOVER_PATIENCE.toNanos();
    while (true) {
      try {
        return UioDevice.open(
            environment.paths(), uioNumber, name, environment.tree(), environment.lifecycle());
      } catch (ErrnoException e) {
        if (!e.is(Errno.EBUSY)) {
          throw e;
        }
        if (environment.ticker().nanos() - end >= 0) {
          throw new IOException("/dev/uio" + uioNumber + " is served by another process", e);
        }
      }
      pause(TAKEOVER_LOOK);
    }
  }

  /** False if the device is not to be served any more; then {@code opened} is released. */
  private boolean serve(BlockDevice opened) throws IOException {
    boolean late;
    synchronized (this) {
      late = closed.get() || state instanceof State.Ended;
      if (!late) {
        disk = opened;
        state = new State.Serving(opened);
      }
    }
    if (late) {
      source.release(opened);
      return false;
    }
    var identity = new Identity(() -> environment.tree().serial(name), name.config());
    ScsiDisk scsi = new ScsiDisk(opened, identity, environment.workers());
    gate.open((cdb, data, done) -> {
      if (opened.state() instanceof DeviceState.Serving) {
        scsi.submit(cdb, data, done);
      } else { // closed by somebody else: it will not come back, so nobody shall wait for it
        done.done(CommandGate.NOT_READY);
      }
    });
    log.info("tcmu.serving device={} uio={} size={}", name, uioNumber, opened.size());
    return true;
  }

  /**
   * The kernel takes the device away, or has. May wait: returns once the disk is released.
   *
   * @return false if somebody else did it
   */
  boolean remove() {
    if (!closed.compareAndSet(false, true)) {
      return false;
    }
    gate.refuse();
    shutRing(DRAIN_PATIENCE);
    releaseDisk();
    forget.run();
    removed.set(true);
    tellIfRemoved();
    log.info("tcmu.removed device={} uio={}", name, uioNumber);
    return true;
  }

  /** Once, and after an image that was being opened meanwhile is released. */
  private void tellIfRemoved() {
    if (!isBeingOpened() && removed.compareAndSet(true, false)) {
      source.removed(name);
    }
  }

  /**
   * Finishes what is under way and leaves the device to the next process, which finds in the ring
   * what comes from now on. May wait.
   */
  void leave() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    boolean blocked = block(true);
    RingThread serving = thread;
    if (serving != null && !(state instanceof State.Ended)) {
      awaitEmpty(serving.ring());
    }
    shutRing(DRAIN_PATIENCE);
    releaseDisk();
    if (blocked) {
      block(false);
    }
    forget.run();
    log.info("tcmu.left device={} uio={}", name, uioNumber);
  }

  private boolean block(boolean blocked) {
    try {
      environment.tree().block(name, blocked);
      return true;
    } catch (IOException e) {
      log.warn("tcmu.block.failed device={} blocked={}", name, blocked, e);
      return false;
    }
  }

  /** Until all is answered; but held commands are left to the next process. */
  private void awaitEmpty(CommandRing ring) {
    long end = environment.ticker().nanos() + DRAIN_PATIENCE.toNanos();
    try {
      while (environment.ticker().nanos() - end < 0 && !ring.isEmpty()) {
        if (gate.held() > 0 && gate.held() >= ring.inFlight()) {
          return;
        }
        environment.ticker().sleep(DRAIN_LOOK.toNanos());
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      log.warn("tcmu.drain.failed device={}", name, e);
    }
  }

  private void shutRing(Duration patience) {
    UioDevice memory;
    RingThread serving;
    ringLock.lock();
    try {
      memory = uio;
      serving = thread;
      uio = null;
      thread = null;
    } finally {
      ringLock.unlock();
    }
    if (memory == null) {
      return;
    }
    try {
      if (serving == null) { // its ring proved corrupt, and nothing uses it any more
        memory.close();
        return;
      }
      serving.stop();
      if (gate.held() > 0) { // their answers would end them; the next process begins them anew
        serving.ring().abandon();
        gate.refuse();
      }
      if (!serving.ring().awaitDone(patience)) {
        // Somebody may still write to it, so it stays until the process ends.
        log.error("tcmu.memory.in.use device={} commands={}", name, serving.ring().undone());
        return;
      }
      serving.ring().abandon();
      serving.close();
      memory.close();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt(); // then it stays, too
    } catch (IOException e) {
      log.warn("tcmu.close.failed device={}", name, e);
    }
  }

  private void releaseDisk() {
    BlockDevice opened;
    synchronized (this) {
      opened = disk;
      disk = null;
    }
    if (opened != null) {
      try {
        source.release(opened);
      } catch (IOException | RuntimeException e) {
        log.error("tcmu.release.failed device={}", name, e);
      }
    }
  }

  private void pause(Duration length) throws IOException {
    try {
      environment.ticker().sleep(length.toNanos());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for /dev/uio" + uioNumber, e);
    }
  }

  /** The kernel is told this size by {@code tell}, which may wait. */
  void resize(Resize tell) throws IOException {
    if (!(state instanceof State.Serving(BlockDevice served))) {
      throw new IOException(name.device() + ": not served now: " + state);
    }
    long size = served.size();
    newSize = size;
    try {
      tell.to(size);
    } finally {
      newSize = -1;
    }
  }

  /** Makes a size known. */
  @FunctionalInterface
  interface Resize {
    void to(long bytes) throws IOException;
  }

  /** True if the kernel may change the device's size to this. */
  boolean hasBecome(long size) {
    return newSize >= 0 && newSize == size;
  }

  @Override
  public void gone() {
    environment.lifecycle().execute(this::remove);
  }

  @Override
  public void failed(String reason) {
    synchronized (this) {
      if (!(state instanceof State.Ended)) {
        state = new State.Ended(reason);
      }
    }
    unanswered = true;
    failIfEnded();
  }

  private void failIfEnded() {
    if (unanswered && ending.isDue()) {
      attempt(this::failEverything);
    }
  }

  /**
   * After a ring proved corrupt: once nothing is under way, what is in it fails, and what comes
   * later too, instead of waiting for ever. If it proves corrupt again, or cannot be served at all,
   * the same is done again and again, ever more seldom.
   */
  private void failEverything() {
    gate.refuse();
    releaseDisk(); // which ends what waits in it
    try {
      RingThread corrupt = thread;
      if (corrupt != null && !corrupt.ring().awaitDone(DRAIN_PATIENCE)) {
        return; // somebody may still write to the memory
      }
      ringLock.lock();
      try {
        UioDevice memory = uio;
        if (memory == null || thread != corrupt) {
          return; // it was closed meanwhile
        }
        thread = null;
        if (corrupt != null) {
          corrupt.stop();
          corrupt.close();
        }
        ending.failed();
        unanswered = false; // unless the ring that begins now ends, too
        thread = restartRing(memory, false);
      } finally {
        ringLock.unlock();
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException | Error e) { // also: no memory for a thread
      unanswered = true;
      log.error("tcmu.refuse.failed device={}", name, e);
    }
  }
}
