package dev.obd.backstore.startlog;

import dev.obd.backstore.startlog.StartLog.Layer;
import dev.obd.backstore.startlog.StartLog.Planned;
import dev.obd.io.FailureText;
import dev.obd.io.Ticker;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The log of one start, from now until its time is over or it is closed, whichever is first: then
 * the file is written. Thread-safe.
 */
public final class StartLogging implements Closeable {
  private static final Logger log = LogManager.getLogger(StartLogging.class);

  /**
   * Where to write a log, and when.
   *
   * @param file is replaced if it exists
   * @param time the most to log; empty: until the device is closed
   */
  public record Target(Path file, Optional<Duration> time) {}

  /**
   * What is known of an image once it is open.
   *
   * @param needs as {@link StartLog#needs}
   * @param steps as {@link StartLog#steps}
   */
  public record Opened(
      long diskBytes, List<Layer> layers, List<Planned> needs, List<Planned> steps) {
    private static final Opened NOTHING = new Opened(0, List.of(), List.of(), List.of());
  }

  private final Target target;
  private final String image;
  private final StartRecorder recorder;
  private @Nullable Future<?> timer; // guarded by this
  private Supplier<Opened> opened = () -> Opened.NOTHING; // guarded by this
  private @Nullable StartLog ended; // guarded by this: what is to be written
  private boolean written; // guarded by this

  /** Held while the file is written, which takes its time. */
  private final Object writing = new Object();

  private StartLogging(Target target, String image, Ticker ticker) {
    this.target = target;
    this.image = image;
    this.recorder = new StartRecorder(ticker);
  }

  /**
   * Begins a log.
   *
   * @param scheduler says when the time is over; stays the caller's
   * @param executor writes the file then; stays the caller's
   * @throws IOException if the file could not be written where it is to be
   */
  public static StartLogging start(
      Target target,
      String image,
      ScheduledExecutorService scheduler,
      Executor executor,
      Ticker ticker)
      throws IOException {
    Path directory =
        Objects.requireNonNull(target.file().toAbsolutePath().getParent(), "a file has one");
    if (!Files.isDirectory(directory) || !Files.isWritable(directory)) {
      throw new FileSystemException(
          target.file().toString(), null, "start log: its directory cannot be written to");
    }
    var logging = new StartLogging(target, image, ticker);
    target.time().ifPresent(time -> logging.endAfter(time, scheduler, executor));
    return logging;
  }

  /** Who is to be told of reads. */
  public StartRecorder recorder() {
    return recorder;
  }

  /**
   * The image is open.
   *
   * @param state asked once, when the log ends
   */
  public synchronized void opened(Supplier<Opened> state) {
    opened = state;
  }

  private synchronized void endAfter(
      Duration time, ScheduledExecutorService scheduler, Executor executor) {
    // Others wait for the timer: what is written is written elsewhere.
    Runnable over = () -> executor.execute(this::timeIsOver);
    timer = scheduler.schedule(over, time.toNanos(), TimeUnit.NANOSECONDS);
  }

  private void timeIsOver() {
    try {
      end();
    } catch (IOException | RuntimeException e) {
      log.warn(
          "startlog.failed image={} file={} reason={}", image, target.file(), FailureText.of(e));
    }
  }

  /** What could not be written the next call tries again. */
  private void end() throws IOException {
    synchronized (writing) {
      Optional<StartLog> all = ended();
      if (all.isEmpty()) {
        return;
      }
      StartLogFile.write(all.get(), target.file());
      wrote();
    }
    log.info("startlog.written image={} file={}", image, target.file());
  }

  private synchronized void wrote() {
    written = true;
    ended = null;
  }

  /** The log as it was when it ended, which is now if it had not; empty if it is written. */
  private synchronized Optional<StartLog> ended() {
    if (written) {
      return Optional.empty();
    }
    if (ended == null) {
      ended = stop();
    }
    return Optional.of(ended);
  }

  private synchronized StartLog stop() {
    if (timer != null) {
      timer.cancel(false);
    }
    recorder.stop();
    Opened state = opened.get();
    opened = () -> Opened.NOTHING; // what it held is not needed any more
    return new StartLog(
        image,
        state.diskBytes(),
        state.layers(),
        state.needs(),
        state.steps(),
        recorder.events(),
        recorder.micros(),
        recorder.dropped());
  }

  /**
   * Ends the log unless it has ended.
   *
   * @throws IOException if the file cannot be written
   */
  @Override
  public void close() throws IOException {
    end();
  }
}
