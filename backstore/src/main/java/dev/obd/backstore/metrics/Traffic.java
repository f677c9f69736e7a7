package dev.obd.backstore.metrics;

import dev.obd.backstore.source.ReadRecorder;
import dev.obd.io.Ticker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Reads per second, as overlaybd's exporter counts them: calls and bytes of the last whole second,
 * the longest of this window of five seconds and the one before, and all bytes. Thread-safe.
 */
final class Traffic implements ReadRecorder {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();
  private static final long LONG_WINDOW = Duration.ofSeconds(5).toNanos();

  /** One window of time; windows follow each other without a gap. */
  private static final class Window {
    final long number;
    final LongAdder calls = new LongAdder();
    final LongAdder bytes = new LongAdder();
    final LongAccumulator longest = new LongAccumulator(Math::max, 0);
    @Nullable Window before; // one alone: it is cut when the next window begins

    Window(long number, @Nullable Window before) {
      this.number = number;
      this.before = before;
    }
  }

  private final Ticker ticker;
  private final long startNanos;
  private final LongAdder total = new LongAdder();
  private final AtomicReference<Window> seconds = new AtomicReference<>(new Window(0, null));
  private final AtomicReference<Window> fives = new AtomicReference<>(new Window(0, null));

  Traffic(Ticker ticker) {
    this.ticker = ticker;
    this.startNanos = ticker.nanos();
  }

  @Override
  public void read(long offset, int bytes, long nanos, boolean ok) {
    Window second = now(seconds, SECOND);
    second.calls.increment();
    second.bytes.add(ok ? bytes : 0);
    now(fives, LONG_WINDOW).longest.accumulate(nanos);
    total.add(ok ? bytes : 0);
  }

  private Window now(AtomicReference<Window> windows, long length) {
    long number = (ticker.nanos() - startNanos) / length;
    while (true) {
      Window current = windows.get();
      if (current.number >= number) {
        return current;
      }
      Window last = current.number == number - 1 ? current : null;
      if (windows.compareAndSet(current, new Window(number, last))) {
        current.before = null;
      }
    }
  }

  private @Nullable Window lastSecond() {
    return now(seconds, SECOND).before;
  }

  long callsPerSecond() {
    Window last = lastSecond();
    return last == null ? 0 : last.calls.sum();
  }

  long bytesPerSecond() {
    Window last = lastSecond();
    return last == null ? 0 : last.bytes.sum();
  }

  long longestNanos() {
    Window current = now(fives, LONG_WINDOW);
    Window last = current.before;
    return Math.max(current.longest.get(), last == null ? 0 : last.longest.get());
  }

  long totalBytes() {
    return total.sum();
  }
}
