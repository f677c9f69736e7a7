package dev.obd.ublk;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Request;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.Fd;
import dev.obd.nativeio.IoUring;
import dev.obd.nativeio.Mapping;
import dev.obd.nativeio.ThisThread;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Answers the kernel's requests to one device. For each of {@link #DEPTH} tags one command is with
 * the kernel, which completes it when there is a request, or the request is with the device, whose
 * answer goes back with the next command. All commands have to come from one thread, and when that
 * ends the kernel takes it that the server has died.
 */
final class Queue implements Closeable {
  private static final Logger log = LogManager.getLogger(Queue.class);

  /** Requests under way. */
  static final int DEPTH = 128;

  /** Of data, in one request. Buffers take memory as they are used. */
  static final int MAX_BYTES = 256 << 10;

  private static final int FETCH_REQ = 0xc010_7520;
  private static final int COMMIT_AND_FETCH_REQ = 0xc010_7521;

  // struct ublksrv_io_cmd: queue 0, tag 2, result 4, address 8
  private static final int TAG_AT = 2;
  private static final int RESULT_AT = 4;
  private static final int ADDRESS_AT = 8;

  private static final int RESULT_OK = 0;
  private static final long BELL = DEPTH;

  /** Commands of all tags, and the bell. */
  private static final int RING_ENTRIES = 2 * DEPTH;

  private final BlockDevice device;
  private final Fd file;
  private final Executor workers;
  private final Runnable onFailure;
  private final IoUring ring;
  private final Mapping descriptors;
  private final Answers answers;
  private final Mapping[] buffers = new Mapping[DEPTH];
  private final @Nullable Job[] jobs = new @Nullable Job[DEPTH];
  private final CompletableFuture<Boolean> begun = new CompletableFuture<>();
  private final Thread thread;
  private boolean closed;
  private boolean bellIsPolled;
  private int withKernel;
  private int withDevice;
  private volatile boolean leaving;
  private volatile boolean abandoned;

  private Queue(
      BlockDevice device,
      Fd file,
      Executor workers,
      Runnable onFailure,
      IoUring ring,
      Mapping descriptors,
      Answers answers) {
    this.device = device;
    this.file = file;
    this.workers = workers;
    this.onFailure = onFailure;
    this.ring = ring;
    this.descriptors = descriptors;
    this.answers = answers;
    thread = Thread.ofPlatform().name("obd-ublk-" + device.id()).daemon().unstarted(this::run);
  }

  /**
   * Begins to serve.
   *
   * @param file {@code /dev/ublkcN}; stays open until this is closed
   * @param workers runs each task on a platform thread of its own, at once; tasks wait
   * @param onFailure run on the queue's thread if that cannot go on
   */
  static Queue start(BlockDevice device, Fd file, Executor workers, Runnable onFailure)
      throws IOException {
    IoUring ring = IoUring.create(RING_ENTRIES);
    Mapping descriptors = null;
    Answers answers = null;
    Queue queue = null;
    boolean started = false;
    try {
      descriptors = Mapping.shared(file, 0, DEPTH * Descriptor.BYTES, false);
      answers = new Answers();
      queue = new Queue(device, file, workers, onFailure, ring, descriptors, answers);
      for (int tag = 0; tag < DEPTH; tag++) {
        queue.buffers[tag] = Mapping.anonymous(MAX_BYTES);
      }
      queue.thread.start();
      queue.awaitBegun();
      started = true;
      return queue;
    } finally {
      if (!started) {
        if (queue != null) {
          queue.abandon();
          if (queue.thread.getState() != Thread.State.NEW) {
            queue.awaitEnd();
          }
          queue.close();
        } else {
          ring.close();
          if (descriptors != null) {
            descriptors.close();
          }
          if (answers != null) {
            answers.end();
          }
        }
      }
    }
  }

  private void awaitBegun() throws IOException {
    try {
      begun.join();
    } catch (CompletionException e) {
      throw new IOException("ublk: the queue did not start: " + e.getCause(), e);
    }
  }

  // ---- the thread

  private void run() {
    try {
      for (int tag = 0; tag < DEPTH; tag++) {
        command(FETCH_REQ, tag, 0);
      }
      // From a server without privileges the kernel reads no partition table, for which it would
      // hold on to this process: killed meanwhile, it could neither end nor be succeeded.
      ThisThread.withoutAdministration(ring::submit);
      ring.reap(this::completed);
      if (withKernel + withDevice < DEPTH) {
        throw new IOException("the kernel has taken the device away");
      }
      begun.complete(true);
      answer();
      while (!hasEnded()) {
        ring.await();
        ring.reap(this::completed);
        answer();
      }
      ring.submit();
    } catch (IOException | RuntimeException | Error e) {
      if (begun.completeExceptionally(e)) {
        return; // whoever starts it tells
      }
      log.error("ublk.queue.failed device={}", device.id(), e);
      onFailure.run();
    }
  }

  private boolean hasEnded() {
    return abandoned || (withDevice == 0 && (leaving || withKernel == 0));
  }

  private void completed(long token, int result) throws IOException {
    if (token == BELL) {
      bellIsPolled = false;
      return;
    }
    if (token < 0 || token > BELL) {
      throw new IOException("ublk: a completion of " + token + ", which there is not");
    }
    withKernel--;
    if (result == RESULT_OK) {
      take((int) token);
    } else if (result != -Errno.ENODEV.number()) { // that is how it ends
      throw new IOException("ublk: tag " + token + ": " + Errno.describe(-result));
    }
  }

  private void take(int tag) throws IOException {
    if (leaving) {
      return; // the kernel asks the next process
    }
    Mapping buffer = buffers[tag];
    Descriptor descriptor = Descriptor.read(descriptors.buffer(), tag * Descriptor.BYTES);
    withDevice++;
    Optional<Request> request = descriptor.request(buffer.buffer());
    if (request.isEmpty()) {
      log.warn("ublk.request.refused device={} request={}", device.id(), descriptor);
      commit(tag, -Errno.EIO.number());
      return;
    }
    var job = new Job(tag, descriptor.moved(), buffer, answers);
    jobs[tag] = job;
    device.submit(request.get(), job, workers);
  }

  private void answer() throws IOException {
    if (bellIsPolled) {
      return; // it has not rung
    }
    for (Job job : answers.take()) {
      if (job.keepsBuffer()) {
        buffers[job.tag()] = Mapping.anonymous(MAX_BYTES);
      }
      jobs[job.tag()] = null;
      commit(job.tag(), job.result());
    }
    ring.poll(answers.bell(), BELL);
    bellIsPolled = true;
  }

  private void commit(int tag, int result) throws IOException {
    withDevice--;
    command(COMMIT_AND_FETCH_REQ, tag, result);
  }

  private void command(int operation, int tag, int result) throws IOException {
    withKernel++;
    ByteBuffer fields = ring.command(file, operation, tag);
    fields.putShort(TAG_AT, (short) tag).putInt(RESULT_AT, result);
    fields.putLong(ADDRESS_AT, buffers[tag].address());
  }

  // ---- its end, from other threads

  /** Takes no more requests, and ends when those under way are answered. */
  void leave() {
    leaving = true;
    answers.ring();
  }

  /** Ends, whatever is under way. */
  void abandon() {
    abandoned = true;
    answers.ring();
  }

  /** Waits until the thread has ended; not interruptible. True if it has, within {@code limit}. */
  boolean awaitEnd(Duration limit) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return thread.join(limit);
        } catch (InterruptedException _) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** {@link #awaitEnd(Duration)} after {@link #abandon}: it comes at once. */
  void awaitEnd() {
    while (!awaitEnd(Duration.ofMinutes(1))) {
      log.warn("ublk.queue.lingers device={}", device.id());
    }
  }

  /** After its end; what the disk still holds is freed when it lets go. */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    ring.close();
    descriptors.close();
    for (Job job : answers.end()) {
      if (!job.keepsBuffer()) {
        jobs[job.tag()] = null;
      }
    }
    for (int tag = 0; tag < DEPTH; tag++) {
      if (jobs[tag] == null && buffers[tag] != null) {
        buffers[tag].close();
      }
    }
  }
}
