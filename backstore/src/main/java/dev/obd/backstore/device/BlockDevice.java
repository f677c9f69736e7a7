package dev.obd.backstore.device;

import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * A disk behind bounds checks, a patience limit per request and draining. Thread-safe. The one
 * place where an exception becomes a {@link Status}, and is logged.
 *
 * <p>Every request runs on a thread of its own under a {@link ReadContext} with the device's
 * patience, so sources below stop waiting in time. A disk that does not stop is overruled: reads
 * (and caches and extents) are answered once patience and grace are over; see {@link
 * Completion#overdue} for what that means for buffers. Changes are never given up.
 */
public final class BlockDevice implements Closeable {
  private static final Logger log = LogManager.getLogger(BlockDevice.class);
  private static final int SECTOR = 512;
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(30);
  private static final long WAIT_PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  /** A read that takes longer waits for something. */
  private static final long WAITING_NANOS = Duration.ofSeconds(1).toNanos();

  /** How long a read may go on to wait for an origin that is known to be down. */
  private static final long DOWN_NANOS = Duration.ofSeconds(1).toNanos();

  /** Buffers that hung reads may hold; beyond that, reads are refused instead of piled up. */
  private static final long MAX_STUCK_BYTES = 64 << 20;

  private static final int MAX_STUCK_CALLS = 1024;

  private final String id;
  private final Disk disk;
  private final DeviceOptions options;
  private final AtomicReference<DeviceState> state =
      new AtomicReference<>(new DeviceState.Starting());
  private final InFlight inFlight = new InFlight();
  private final Counters counters = new Counters();
  private final Failures failures;
  private final HangGuard guard;
  private final AtomicBoolean guardStarted = new AtomicBoolean();
  private final AtomicLong stuckCalls = new AtomicLong();
  private final AtomicLong stuckBytes = new AtomicLong();
  private final CountDownLatch ended = new CountDownLatch(1);

  /**
   * Serves {@code disk} and owns it from now on.
   *
   * @param id what logs and status call the device
   */
  public BlockDevice(String id, Disk disk, DeviceOptions options) {
    if (disk.size() < 0 || disk.size() % SECTOR != 0) {
      throw new IllegalArgumentException(
          id + ": size must be a multiple of " + SECTOR + ", is " + disk.size());
    }
    this.id = id;
    this.disk = disk;
    this.options = options;
    this.failures = new Failures(id, options.ticker());
    this.guard =
        new HangGuard(
            inFlight, options.ticker(), options.hangGrace(), this::isToBeGivenUp, this::giveUp);
    move(new DeviceState.Serving());
  }

  public String id() {
    return id;
  }

  /** Size in bytes, a multiple of 512. */
  public long size() {
    return disk.size();
  }

  /** False: requests that change the disk end with {@link Status#READ_ONLY}. */
  public boolean writable() {
    return disk.writable();
  }

  public DeviceState state() {
    return state.get();
  }

  public DeviceStats stats() {
    return new DeviceStats(
        state(),
        counters.ops(),
        counters.failures(),
        inFlight.size(),
        (int) stuckCalls.get(),
        waiting(),
        failures.last());
  }

  /**
   * Runs {@code request} and waits for its end. Not interruptible.
   *
   * <p>Once this returns the device no longer touches the request's buffer, except after {@link
   * Status#TIMED_OUT}: then a hung disk may still write to it, and it must not be used again (leave
   * it to the garbage collector). A front-end that reuses buffers calls {@link #submit}.
   */
  public Status serve(Request request) {
    var answer = new CompletableFuture<Status>();
    submit(
        request,
        new Completion() {
          @Override
          public void done(Status status) {
            answer.complete(status);
          }

          @Override
          public void overdue() {
            answer.complete(Status.TIMED_OUT);
          }
        });
    return answer.join();
  }

  /**
   * Starts {@code request} and returns without waiting for the disk. The buffer belongs to the
   * device until {@link Completion#done}.
   */
  public void submit(Request request, Completion completion) {
    submit(request, completion, options.executor());
  }

  /**
   * {@link #submit(Request, Completion)} with a thread of the caller's choice: {@code
   * Runnable::run} works on this one, which saves a change of threads where the bytes are near, and
   * returns when the disk does. Patience and {@link Completion#overdue} are as ever.
   */
  public void submit(Request request, Completion completion, Executor executor) {
    Status refusal = refusal(request);
    if (refusal != Status.OK) {
      counters.refused(refusal);
      completion.done(refusal);
      return;
    }
    var ticker = options.ticker();
    var call =
        new Call(
            request,
            completion,
            Deadline.after(ticker, options.readPatience()),
            Deadline.after(ticker, options.readPatience().plus(options.hangGrace())),
            ticker.nanos());
    inFlight.add(call);
    // After add: see InFlight.awaitEmpty.
    if (!(state.get() instanceof DeviceState.Serving)) {
      refuse(call);
      return;
    }
    try {
      watch(call);
      executor.execute(() -> run(call));
    } catch (RejectedExecutionException _) {
      refuse(call);
    } catch (OutOfMemoryError e) { // no memory for a thread: as good as a disk that fails
      if (!call.hasEnded()) {
        failures.failed(call, Status.IO_ERROR, "device.io.threadless", e);
        end(call, Status.IO_ERROR);
      }
    }
  }

  private void refuse(Call call) {
    counters.refused(Status.SHUTTING_DOWN);
    call.end();
    call.answer(Status.SHUTTING_DOWN);
    inFlight.remove(call);
  }

  private Status refusal(Request request) {
    long offset = Call.offsetOf(request);
    long length = Call.lengthOf(request);
    return switch (request) {
      case Request.Flush _ -> Status.OK;
      case Request.Read _, Request.Cache _, Request.Extents _ -> {
        if (!holds(offset, length)) {
          yield Status.OUT_OF_RANGE;
        }
        yield tooManyStuck() ? Status.TIMED_OUT : Status.OK;
      }
      case Request.Write _, Request.Discard _, Request.WriteZeroes _ -> {
        if (!disk.writable()) {
          yield Status.READ_ONLY;
        }
        if (!holds(offset, length)) {
          yield Status.OUT_OF_RANGE;
        }
        yield (offset | length) % SECTOR == 0 ? Status.OK : Status.MISALIGNED;
      }
    };
  }

  /** True if the range lies inside the disk. */
  public boolean holds(long offset, long length) {
    return offset >= 0 && length >= 0 && offset <= disk.size() - length;
  }

  private boolean tooManyStuck() {
    return stuckCalls.get() >= MAX_STUCK_CALLS || stuckBytes.get() >= MAX_STUCK_BYTES;
  }

  private void watch(Call call) {
    if (!call.op().mayBeGivenUp()) {
      return;
    }
    if (!guardStarted.get() && guardStarted.compareAndSet(false, true)) {
      boolean started = false;
      try {
        options.executor().execute(guard);
        started = true;
      } finally {
        guardStarted.set(started);
      }
    }
    guard.wake();
  }

  private void run(Call call) {
    Status status = Status.IO_ERROR;
    try {
      Deadline deadline = call.deadline();
      while (true) {
        long began = options.ticker().nanos();
        try {
          attempt(call.request(), deadline);
          status = Status.OK;
          return;
        } catch (Throwable e) { // whatever it is, the client gets an answer
          status = Failures.statusOf(e, deadline);
          failures.failed(call, status, "device.io.failed", e);
          if (!waitsOut(call, e, status)) {
            return;
          }
        }
        pauseSince(began);
        deadline = Deadline.after(options.ticker(), options.readPatience());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the executor ends; so does the read, as it stands
    } finally {
      end(call, status);
    }
  }

  private void attempt(Request request, Deadline deadline) throws IOException {
    var context = new ReadContext(ReadContext.Purpose.DEMAND, deadline);
    options
        .onStall()
        .run(() ->
            context.run(() -> {
              perform(request);
              return Status.OK;
            }));
  }

  /** True for a read that failed because its origin is away, on a device that waits for it. */
  private boolean waitsOut(Call call, Throwable failure, Status status) {
    return options.onStall() == OnStall.WAIT
        && call.request() instanceof Request.Read
        && state.get() instanceof DeviceState.Serving
        && (status == Status.TIMED_OUT || disk.mayPass(failure));
  }

  /** What fails at once is not tried again at once. */
  private void pauseSince(long beganNanos) throws InterruptedException {
    long took = options.ticker().nanos() - beganNanos;
    if (took < WAIT_PAUSE_NANOS) {
      options.ticker().sleep(WAIT_PAUSE_NANOS - took);
    }
  }

  private void end(Call call, Status status) {
    counters.ended(call.op(), call.length(), status, options.ticker().nanos() - call.startNanos());
    if (call.end()) {
      stuckCalls.decrementAndGet();
      stuckBytes.addAndGet(-call.length());
      log.warn("device.io.late device={} op={} offset={}", id, call.op(), call.offset());
    }
    try {
      call.answer(status);
    } finally {
      inFlight.remove(call);
    }
  }

  private boolean isToBeGivenUp(Call call) {
    return switch (options.onStall()) {
      case EIO -> call.outlivedItsLimit();
      case WAIT ->
          call.outlivedItsLimit()
              && !(call.request() instanceof Request.Read
                  && state.get() instanceof DeviceState.Serving);
      // It may wait for a fetch that another device makes, and waits for.
      case READONLY_CACHE ->
          call.outlivedItsLimit()
              || (call.mayBeGivenUp()
                  && options.ticker().nanos() - call.startNanos() >= DOWN_NANOS
                  && disk.isDown());
    };
  }

  /**
   * Why reads that need an origin do not get on, and how many of this device's wait for it now;
   * empty as long as they do.
   */
  public Optional<StallReport> stall() {
    Optional<StallReport> stall = disk.stall();
    if (stall.isEmpty()) {
      return stall;
    }
    return Optional.of(stall.get().withWaiting(waiting().reads()));
  }

  private DeviceStats.Waiting waiting() {
    long now = options.ticker().nanos();
    int reads = 0;
    long longest = 0;
    for (Call call : inFlight.calls()) {
      long age = now - call.startNanos();
      if (call.op() == Op.READ && age >= WAITING_NANOS) {
        reads++;
        longest = Math.max(longest, age);
      }
    }
    return new DeviceStats.Waiting(reads, Duration.ofNanos(longest));
  }

  private void giveUp(Call call) {
    // Counted before the answer, so that a client that asks again at once meets the limit.
    stuckCalls.incrementAndGet();
    stuckBytes.addAndGet(call.length());
    if (call.giveUp()) {
      counters.refused(Status.TIMED_OUT);
      failures.failed(call, Status.TIMED_OUT, "device.io.stuck", null);
    } else {
      stuckCalls.decrementAndGet();
      stuckBytes.addAndGet(-call.length());
    }
  }

  private void perform(Request request) throws IOException {
    switch (request) {
      case Request.Read(long offset, ByteBuffer into) -> read(offset, into);
      case Request.Write(long offset, ByteBuffer from, boolean fua) -> {
        if (from.hasRemaining()) {
          disk.write(offset, from);
        }
        flushIf(fua);
      }
      case Request.Flush() -> flushIf(disk.writable());
      case Request.Discard(long offset, long length, boolean fua) -> {
        discard(offset, length);
        flushIf(fua);
      }
      case Request.WriteZeroes(long offset, long length, boolean mayPunch, boolean fua) -> {
        if (mayPunch) {
          discard(offset, length);
        } else {
          Zeros.write(disk, offset, length);
        }
        flushIf(fua);
      }
      case Request.Cache(long offset, long length) -> disk.prefetch(offset, length);
      case Request.Extents(long offset, long length, int limit, List<Extent> into) ->
          new ExtentCollector(limit, into).collect(disk, offset, length);
    }
  }

  private void read(long offset, ByteBuffer into) throws IOException {
    int start = into.position();
    boolean whole = false;
    try {
      if (into.hasRemaining()) {
        disk.read(offset, into);
      }
      if (into.hasRemaining()) { // what was in the buffer before must not reach a client
        throw new IOException("the disk left " + into.remaining() + " bytes unread");
      }
      whole = true;
    } finally {
      if (!whole) {
        into.position(start); // for the next attempt, if there is one
      }
    }
  }

  private void discard(long offset, long length) throws IOException {
    if (length > 0) {
      disk.discard(offset, length);
    }
  }

  private void flushIf(boolean wanted) throws IOException {
    if (wanted) {
      disk.flush();
    }
  }

  /**
   * Takes no new requests ({@link Status#SHUTTING_DOWN}), waits up to {@code timeout} for those in
   * flight, flushes a writable disk and closes it. The limit is for requests: a flush is waited
   * for, since giving up on it would lose data. Idempotent; a second caller waits for the first.
   *
   * @return {@link DeviceState.Closed} or {@link DeviceState.Failed}
   */
  public DeviceState drain(Duration timeout) throws InterruptedException {
    if (!move(new DeviceState.Draining())) {
      ended.await();
      return state.get();
    }
    log.info("device.draining device={} inFlight={}", id, inFlight.size());
    boolean interrupted = false;
    try {
      if (!inFlight.awaitEmpty(timeout)) {
        log.warn("device.drain.timeout device={} inFlight={}", id, inFlight.size());
      }
    } catch (InterruptedException _) {
      interrupted = true; // the disk is closed all the same; only the wait is cut short
    }
    DeviceState end = closeDisk();
    guard.stop();
    move(end);
    ended.countDown();
    log.info("device.closed device={} state={}", id, end);
    if (interrupted) {
      throw new InterruptedException("interrupted while draining " + id);
    }
    return end;
  }

  private DeviceState closeDisk() {
    DeviceState end = new DeviceState.Closed();
    try {
      flushIf(disk.writable());
    } catch (IOException | RuntimeException e) {
      log.error("device.flush.failed device={}", id, e);
      end = new DeviceState.Failed("flush: " + e.getMessage());
    }
    try {
      disk.close();
    } catch (IOException | RuntimeException e) {
      log.error("device.close.failed device={}", id, e);
      if (end instanceof DeviceState.Closed) {
        end = new DeviceState.Failed("close: " + e.getMessage());
      }
    }
    return end;
  }

  /** The one place where the state changes. False, and nothing changed, if it may not. */
  private boolean move(DeviceState next) {
    return state.getAndUpdate(now -> now.leadsTo(next) ? next : now).leadsTo(next);
  }

  /** {@link #drain} with 30 s for requests in flight; throws if the disk could not be flushed. */
  @Override
  public void close() throws IOException {
    try {
      if (drain(CLOSE_TIMEOUT) instanceof DeviceState.Failed(String reason)) {
        throw new IOException(id + ": " + reason);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new IOException(id + ": interrupted while draining");
    }
  }
}
