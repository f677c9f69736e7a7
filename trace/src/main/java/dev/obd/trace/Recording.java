package dev.obd.trace;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * One recording into an empty trace file, with the signals that others wait for: {@code FILE.lock}
 * is there while it records, removing it stops it, {@code FILE.ok} says that the trace is complete.
 *
 * <p>Thread-safe. Ends once, at the first of: the lock is gone, {@link #close}.
 */
public final class Recording implements Closeable {
  /** How often the lock is looked for. */
  static final Duration POLL = Duration.ofSeconds(1);

  /**
   * How a recording ended.
   *
   * @param records that were kept and written
   * @param dropped that found no room, see {@link TraceRecorder#dropped}
   */
  public record Summary(int records, long dropped) {}

  private final Path file;
  private final Path lock;
  private final Path ok;
  private final TraceRecorder recorder;
  private final boolean locked;
  private final Future<?> polling;
  private final CompletableFuture<Summary> done = new CompletableFuture<>();

  private Recording(Path file, TraceRecorder recorder, ScheduledExecutorService scheduler)
      throws IOException {
    this.file = file;
    this.lock = Path.of(file + ".lock");
    this.ok = Path.of(file + ".ok");
    this.recorder = recorder;
    // One of an earlier recording would say that this one is complete.
    Files.deleteIfExists(ok);
    create(lock);
    locked = Files.exists(lock);
    recorder.start();
    polling =
        scheduler.scheduleWithFixedDelay(
            this::poll, POLL.toNanos(), POLL.toNanos(), TimeUnit.NANOSECONDS);
  }

  /**
   * Starts recording.
   *
   * @param file exists and is empty
   * @param recorder what reads are reported to; started here, stopped when the recording ends
   * @param scheduler looks for the lock, and writes the file if it is gone; stays the caller's
   */
  public static Recording start(
      Path file, TraceRecorder recorder, ScheduledExecutorService scheduler) throws IOException {
    return new Recording(file, recorder, scheduler);
  }

  /** Completes when the recording has ended: with what it wrote, or with the IOException. */
  public CompletableFuture<Summary> done() {
    return done.copy();
  }

  /** Ends the recording if somebody removed the lock. */
  void poll() {
    // Without a lock from the start (a directory that cannot be written) only close ends it.
    if (locked && Files.notExists(lock)) {
      end();
    }
  }

  /**
   * Ends the recording unless it has ended.
   *
   * @throws IOException if the trace could not be written, now or earlier; the file is then empty
   */
  @Override
  public void close() throws IOException {
    end();
    try {
      done.join();
    } catch (CompletionException e) {
      throw new IOException(file + ": trace not written", e.getCause());
    }
  }

  private synchronized void end() {
    if (done.isDone()) {
      return;
    }
    recorder.stop();
    polling.cancel(false);
    try {
      Trace trace = recorder.snapshot();
      try {
        write(TraceFile.encode(trace));
      } finally {
        Files.deleteIfExists(lock);
      }
      create(ok);
      done.complete(new Summary(trace.size(), recorder.dropped()));
    } catch (IOException | RuntimeException e) {
      done.completeExceptionally(e);
    }
  }

  /**
   * In place, because others may hold or bind-mount this very file. The header comes last, on
   * stable storage after the records: before it, nobody takes the file for a trace. Not through a
   * FileChannel, which an interrupted thread could not write.
   */
  private void write(byte[] bytes) throws IOException {
    try (var out = new RandomAccessFile(file.toFile(), "rw")) {
      try {
        out.setLength(0);
        out.seek(TraceFile.HEADER_BYTES);
        out.write(bytes, TraceFile.HEADER_BYTES, bytes.length - TraceFile.HEADER_BYTES);
        out.getFD().sync();
        out.seek(0);
        out.write(bytes, 0, TraceFile.HEADER_BYTES);
        out.getFD().sync();
      } catch (IOException e) {
        out.setLength(0);
        throw e;
      }
    }
  }

  private static void create(Path marker) {
    try {
      Files.createFile(marker);
    } catch (FileAlreadyExistsException e) {
      // It says what it should.
    } catch (IOException e) {
      // A marker that cannot be made costs its reader a wait; the trace is worth more.
    }
  }
}
