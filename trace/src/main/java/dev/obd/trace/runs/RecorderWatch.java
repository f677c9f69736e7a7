package dev.obd.trace.runs;

import dev.obd.trace.TraceRecorder;

/**
 * Watches a recorder at work for the end of the start, see {@link StartWatch}. Costs its reader
 * what was recorded since the last look. Thread-safe.
 */
public final class RecorderWatch {
  private final TraceRecorder recorder;
  private final StartWatch watch = new StartWatch(); // guarded by this
  private int seen; // guarded by this

  /** What is recorded already is not part of the start. */
  public RecorderWatch(TraceRecorder recorder) {
    this.recorder = recorder;
    this.seen = recorder.size();
    watch.ignore(recorder.snapshot());
  }

  /** True if the start is over by now. */
  public synchronized boolean isOver() {
    int from = seen;
    seen = recorder.size();
    watch.add(recorder.since(from));
    return watch.isOver(recorder.micros());
  }
}
