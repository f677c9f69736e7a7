package dev.obd.testdata.vm;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A throwable on its way out of the guest.
 *
 * @param text its class and message
 * @param frames its stack trace
 * @param cause its cause
 * @param suppressed what it suppressed
 */
record Failure(String text, List<Frame> frames, @Nullable Failure cause, List<Failure> suppressed) {
  private static final int MAX_DEPTH = 8;

  /** A line of a stack trace. */
  record Frame(String type, String method, @Nullable String file, int line) {}

  static Failure of(Throwable thrown) {
    return of(thrown, MAX_DEPTH);
  }

  private static Failure of(Throwable thrown, int depth) {
    Throwable cause = thrown.getCause();
    return new Failure(
        thrown.toString(),
        Arrays.stream(thrown.getStackTrace())
            .map(e ->
                new Frame(e.getClassName(), e.getMethodName(), e.getFileName(), e.getLineNumber()))
            .toList(),
        cause == null || depth == 0 ? null : of(cause, depth - 1),
        depth == 0
            ? List.of()
            : Arrays.stream(thrown.getSuppressed()).map(s -> of(s, depth - 1)).toList());
  }

  /** The same as a throwable of this side, which says {@code where} it comes from. */
  GuestFailure thrown(String where) {
    var thrown = new GuestFailure(where + text, cause == null ? null : cause.thrown(""));
    thrown.setStackTrace(
        frames.stream()
            .map(f -> new StackTraceElement(f.type, f.method, f.file, f.line))
            .toArray(StackTraceElement[]::new));
    suppressed.forEach(s -> thrown.addSuppressed(s.thrown("")));
    return thrown;
  }
}
