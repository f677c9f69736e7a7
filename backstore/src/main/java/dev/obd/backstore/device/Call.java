package dev.obd.backstore.device;

import dev.obd.io.Deadline;

/** One request under way. Its client is answered once: by its end, or before by the hang guard. */
final class Call {
  private final Request request;
  private final Op op;
  private final long offset;
  private final long length;
  private final Completion completion;
  private final Deadline deadline;
  private final Deadline guard;
  private final long startNanos;

  // Both guarded by this. The guard calls overdue() under the lock, so that done() comes after it.
  private boolean overdue;
  private boolean ended;

  Call(Request request, Completion completion, Deadline deadline, Deadline guard, long startNanos) {
    this.request = request;
    this.op = Op.of(request);
    this.offset = offsetOf(request);
    this.length = lengthOf(request); // now: the disk will move the buffer's position
    this.completion = completion;
    this.deadline = deadline;
    this.guard = guard;
    this.startNanos = startNanos;
  }

  static long offsetOf(Request request) {
    return switch (request) {
      case Request.Read(long offset, _) -> offset;
      case Request.Write(long offset, _, _) -> offset;
      case Request.Discard(long offset, _, _) -> offset;
      case Request.WriteZeroes(long offset, _, _, _) -> offset;
      case Request.Cache(long offset, _) -> offset;
      case Request.Extents(long offset, _, _, _) -> offset;
      case Request.Flush() -> 0;
    };
  }

  static long lengthOf(Request request) {
    return switch (request) {
      case Request.Read(_, var into) -> into.remaining();
      case Request.Write(_, var from, _) -> from.remaining();
      case Request.Discard(_, long length, _) -> length;
      case Request.WriteZeroes(_, long length, _, _) -> length;
      case Request.Cache(_, long length) -> length;
      case Request.Extents(_, long length, _, _) -> length;
      case Request.Flush() -> 0;
    };
  }

  Request request() {
    return request;
  }

  Op op() {
    return op;
  }

  long offset() {
    return offset;
  }

  long length() {
    return length;
  }

  Deadline deadline() {
    return deadline;
  }

  long startNanos() {
    return startNanos;
  }

  /** True if it is time to {@link #giveUp}; false again once that is done. */
  synchronized boolean outlivedItsLimit() {
    return mayBeGivenUp() && guard.expired();
  }

  /** True if it is of a kind that can be given up, and has neither ended nor been given up. */
  synchronized boolean mayBeGivenUp() {
    return op.mayBeGivenUp() && !overdue && !ended;
  }

  synchronized boolean hasEnded() {
    return ended;
  }

  /** Answers the client over the disk's head. False if the call ended or was given up before. */
  synchronized boolean giveUp() {
    if (overdue || ended) {
      return false;
    }
    overdue = true;
    completion.overdue();
    return true;
  }

  /** Keeps the guard off from now on; true if it was there before. {@link #answer} comes next. */
  synchronized boolean end() {
    ended = true;
    return overdue;
  }

  void answer(Status status) {
    completion.done(status);
  }
}
