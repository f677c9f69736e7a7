package dev.obd.cli;

import dev.obd.io.Ticker;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Progress of long work on the error stream: one line that redraws itself on a terminal, a line
 * every few seconds elsewhere. Standard output stays free for data.
 */
final class Terminal {
  private static final long REDRAW_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final int BAR = 24;

  private final PrintWriter err;
  private final boolean interactive;
  private final Ticker ticker;

  Terminal(PrintWriter err, boolean interactive, Ticker ticker) {
    this.err = err;
    this.interactive = interactive;
    this.ticker = ticker;
  }

  /** A terminal for this process; the launcher says whether the error stream is one. */
  static Terminal ofProcess(PrintWriter err) {
    return new Terminal(err, Boolean.getBoolean("obd.tty"), Ticker.SYSTEM);
  }

  /**
   * True if standard output is a terminal. {@code Console} does not know when standard input is
   * none.
   */
  static boolean isOutputTerminal() {
    return isTerminal(1);
  }

  /** True if somebody can answer on standard input. */
  static boolean isInputTerminal() {
    return isTerminal(0);
  }

  private static boolean isTerminal(int descriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException | UnsupportedOperationException e) {
      return false; // no /proc: not Linux, nothing to be warned of
    }
  }

  /** One line that stays. */
  synchronized void say(String line) {
    err.println(interactive ? "\r\033[K" + line : line);
    err.flush();
  }

  /** Progress of one piece of work. */
  Progress progress(String what) {
    return new Progress() {
      private final long start = ticker.nanos();
      private long last = start;
      private boolean ended;

      @Override
      public synchronized void at(long done, long total) {
        long now = ticker.nanos();
        boolean end = total > 0 && done >= total;
        if (ended || (!end && now - last < (interactive ? REDRAW_NANOS : LINE_NANOS))) {
          return;
        }
        last = now;
        ended = end;
        draw(what, done, total, now - start, end);
      }
    };
  }

  private synchronized void draw(String what, long done, long total, long nanos, boolean end) {
    double seconds = Math.max(1, nanos) / 1e9;
    String rate = Sizes.show((long) (done / seconds)) + "/s";
    String amount = total > 0 ? Sizes.show(done) + " of " + Sizes.show(total) : Sizes.show(done);
    if (!interactive) {
      // Short work needs no line of its own where nobody watches.
      if (!end || nanos >= LINE_NANOS) {
        err.println(what + ": " + amount + ", " + rate);
        err.flush();
      }
      return;
    }
    int filled = total > 0 ? (int) (BAR * Math.min(done, total) / total) : 0;
    err.print(
        "\r\033[K"
            + what
            + " ["
            + "#".repeat(filled)
            + ".".repeat(BAR - filled)
            + "] "
            + amount
            + "  "
            + rate);
    if (end) {
      err.println();
    }
    err.flush();
  }
}
