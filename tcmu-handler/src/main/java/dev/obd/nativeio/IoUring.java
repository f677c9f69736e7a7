package dev.obd.nativeio;

import java.io.Closeable;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;

/**
 * A pair of io_uring's rings, for commands to drivers ({@code IORING_OP_URING_CMD}) and for waiting
 * until a descriptor can be read. What is queued here reaches the kernel with {@link #submit} or
 * {@link #await}. For one thread at a time; a driver may insist on always the same.
 */
public final class IoUring implements Closeable {
  /** What a command may carry. */
  public static final int COMMAND_BYTES = 80;

  /** More than this nobody needs here; the kernel's limit is 32768. */
  private static final int MAX_ENTRIES = 4096;

  /** Hears how an operation ended. */
  @FunctionalInterface
  public interface Listener {
    /**
     * Called once for each.
     *
     * @param token as given when it was queued
     * @param result what the operation returned: negative is an error number
     */
    void completed(long token, int result) throws IOException;
  }

  // The numbers are the same on every architecture.
  private static final long SYS_SETUP = 425;
  private static final long SYS_ENTER = 426;

  private static final int SETUP_COOP_TASKRUN = 1 << 8; // 5.19: does not interrupt this thread
  private static final int SETUP_SQE128 = 1 << 10;
  private static final int ENTER_GETEVENTS = 1;
  private static final int ENTER_EXT_ARG = 1 << 3;
  private static final long SQ_OFFSET = 0;
  private static final long CQ_OFFSET = 0x0800_0000;
  private static final long SQES_OFFSET = 0x1000_0000;

  // struct io_uring_params
  private static final int PARAMS_BYTES = 120;
  private static final int SQ_ENTRIES_AT = 0;
  private static final int CQ_ENTRIES_AT = 4;
  private static final int FLAGS_AT = 8;
  private static final int SQ_HEAD_AT = 40;
  private static final int SQ_TAIL_AT = 44;
  private static final int SQ_ARRAY_AT = 64;
  private static final int CQ_HEAD_AT = 80;
  private static final int CQ_TAIL_AT = 84;
  private static final int CQ_CQES_AT = 100;

  // struct io_uring_sqe with SQE128
  private static final int SQE_BYTES = 128;
  private static final int OPCODE_AT = 0;
  private static final int FD_AT = 4;
  private static final int OPERATION_AT = 8;
  private static final int EVENTS_AT = 28;
  private static final int TOKEN_AT = 32;
  private static final int COMMAND_AT = 48;
  private static final byte OP_POLL_ADD = 6;
  private static final byte OP_URING_CMD = 46;
  private static final int POLLIN = 1;

  // struct io_uring_cqe
  private static final int CQE_BYTES = 16;
  private static final int RESULT_AT = 8;

  // struct io_uring_getevents_arg: sigmask 0, its size 8, time 16; behind it the time it points to
  private static final int ARGUMENT_BYTES = 24;
  private static final int TIME_POINTER_AT = 16;
  private static final int SECONDS_AT = 24;
  private static final int NANOS_AT = 32;
  private static final int ARGUMENT_AND_TIME_BYTES = 40;

  private static final VarHandle U32 =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  private final Fd fd;
  private final Mapping submissions;
  private final Mapping completions;
  private final Mapping entries;
  private final Mapping argument;
  private final ByteBuffer sq;
  private final ByteBuffer cq;
  private final ByteBuffer sqes;
  private final int sqHeadAt;
  private final int sqTailAt;
  private final int sqEntries;
  private final int cqHeadAt;
  private final int cqTailAt;
  private final int cqesAt;
  private final int cqEntries;
  private int sqTail;
  private int cqHead;

  private IoUring(
      Fd fd,
      ByteBuffer params,
      Mapping submissions,
      Mapping completions,
      Mapping entries,
      Mapping argument) {
    this.fd = fd;
    this.submissions = submissions;
    this.completions = completions;
    this.entries = entries;
    this.argument = argument;
    sq = submissions.buffer();
    cq = completions.buffer();
    sqes = entries.buffer();
    sqHeadAt = params.getInt(SQ_HEAD_AT);
    sqTailAt = params.getInt(SQ_TAIL_AT);
    sqEntries = params.getInt(SQ_ENTRIES_AT);
    cqHeadAt = params.getInt(CQ_HEAD_AT);
    cqTailAt = params.getInt(CQ_TAIL_AT);
    cqesAt = params.getInt(CQ_CQES_AT);
    cqEntries = params.getInt(CQ_ENTRIES_AT);
    sqTail = (int) U32.getAcquire(sq, sqTailAt);
    cqHead = (int) U32.getAcquire(cq, cqHeadAt);
    int array = params.getInt(SQ_ARRAY_AT);
    for (int i = 0; i < sqEntries; i++) {
      sq.putInt(array + i * Integer.BYTES, i); // places are used in their order, for ever
    }
  }

  /**
   * Makes one.
   *
   * @param wanted operations that can be queued before they are submitted, 1 to 4096; twice as many
   *     may be under way
   */
  public static IoUring create(int wanted) throws IOException {
    if (wanted < 1 || wanted > MAX_ENTRIES) {
      throw new IllegalArgumentException("entries: 1 to " + MAX_ENTRIES + ", got " + wanted);
    }
    ByteBuffer params = ByteBuffer.allocateDirect(PARAMS_BYTES).order(ByteOrder.nativeOrder());
    params.putInt(FLAGS_AT, SETUP_COOP_TASKRUN | SETUP_SQE128);
    int number = (int) LibC.calls().syscall(SYS_SETUP, wanted, params);
    var opened = new Opened();
    try {
      Fd fd = opened.add(Fd.adopt(LibC.checked(number, "io_uring_setup(" + wanted + ")"), "ring"));
      int sqEntries = entries("sq_entries", params.getInt(SQ_ENTRIES_AT));
      int cqEntries = entries("cq_entries", params.getInt(CQ_ENTRIES_AT));
      int sqBytes = params.getInt(SQ_ARRAY_AT) + sqEntries * Integer.BYTES;
      int cqBytes = params.getInt(CQ_CQES_AT) + cqEntries * CQE_BYTES;
      var ring =
          new IoUring(
              fd,
              params,
              opened.add(Mapping.shared(fd, SQ_OFFSET, sqBytes, true)),
              opened.add(Mapping.shared(fd, CQ_OFFSET, cqBytes, true)),
              opened.add(Mapping.shared(fd, SQES_OFFSET, sqEntries * SQE_BYTES, true)),
              opened.add(Mapping.anonymous(ARGUMENT_AND_TIME_BYTES)));
      opened.keep();
      return ring;
    } finally {
      opened.close();
    }
  }

  private static int entries(String field, int value) throws IOException {
    if (Integer.bitCount(value) != 1 || value < 0 || value > 4 * MAX_ENTRIES) {
      throw new IOException("io_uring: " + field + ": expected a power of two, got " + value);
    }
    return value;
  }

  /**
   * Queues a command to the driver behind {@code target}, which stays open until it has completed.
   *
   * @param operation what the driver calls it
   * @return its {@link #COMMAND_BYTES} of data, zeros in the machine's byte order, to be filled
   *     before anything else is queued or submitted
   */
  public ByteBuffer command(Fd target, int operation, long token) throws IOException {
    int at = next(OP_URING_CMD, target, token);
    sqes.putInt(at + OPERATION_AT, operation);
    queued();
    return sqes.slice(at + COMMAND_AT, COMMAND_BYTES).order(ByteOrder.nativeOrder());
  }

  /** Queues a wait until {@code target} can be read; it completes at once if it can already. */
  public void poll(Fd target, long token) throws IOException {
    int at = next(OP_POLL_ADD, target, token);
    sqes.putInt(at + EVENTS_AT, POLLIN);
    queued();
  }

  private int next(byte opcode, Fd target, long token) throws IOException {
    if (pending() >= sqEntries) {
      throw new IllegalStateException("more than " + sqEntries + " operations queued");
    }
    int at = (sqTail & (sqEntries - 1)) * SQE_BYTES;
    for (int i = 0; i < SQE_BYTES; i += Long.BYTES) {
      sqes.putLong(at + i, 0);
    }
    sqes.put(at + OPCODE_AT, opcode);
    sqes.putInt(at + FD_AT, target.number());
    sqes.putLong(at + TOKEN_AT, token);
    return at;
  }

  private void queued() {
    sqTail++; // the kernel looks for it no sooner than it is told to
  }

  /** How many are queued that the kernel has not taken. */
  private int pending() {
    return sqTail - (int) U32.getAcquire(sq, sqHeadAt);
  }

  /** Hands over what is queued. */
  public void submit() throws IOException {
    while (pending() > 0) {
      enter(0, ENTER_EXT_ARG);
    }
  }

  /** {@link #submit}, and waits until at least one operation has completed. */
  public void await() throws IOException {
    time(0, 0);
    while (!hasCompletions() || pending() > 0) {
      enter(1, ENTER_GETEVENTS | ENTER_EXT_ARG);
    }
  }

  /**
   * {@link #await()} for {@code limit} or a little longer.
   *
   * @return false if nothing has completed
   */
  public boolean await(Duration limit) throws IOException {
    argument.buffer().putLong(SECONDS_AT, limit.toSeconds()).putLong(NANOS_AT, limit.toNanosPart());
    time(argument.address(), SECONDS_AT);
    while (!hasCompletions() || pending() > 0) {
      if (!enter(1, ENTER_GETEVENTS | ENTER_EXT_ARG)) {
        return hasCompletions();
      }
    }
    return true;
  }

  private void time(long base, int offset) {
    argument.buffer().putLong(TIME_POINTER_AT, base + offset);
  }

  /** One call; what it leaves over is for the next one. False if time was up. */
  private boolean enter(int least, int flags) throws IOException {
    U32.setRelease(sq, sqTailAt, sqTail);
    long result =
        LibC.calls()
            .syscall(
                SYS_ENTER, fd.number(), pending(), least, flags, argument.buffer(), ARGUMENT_BYTES);
    if (result < 0) {
      int errno = LibC.errno();
      if (errno == Errno.ETIME.number()) {
        return false;
      }
      if (errno != Errno.EINTR.number()) {
        throw new ErrnoException("io_uring_enter()", errno);
      }
    }
    return true;
  }

  private boolean hasCompletions() {
    return cqHead != (int) U32.getAcquire(cq, cqTailAt);
  }

  /** Tells {@code listener} what has completed. Does not wait. */
  public void reap(Listener listener) throws IOException {
    while (hasCompletions()) {
      int at = cqesAt + (cqHead & (cqEntries - 1)) * CQE_BYTES;
      long token = cq.getLong(at);
      int result = cq.getInt(at + RESULT_AT);
      cqHead++;
      U32.setRelease(cq, cqHeadAt, cqHead);
      listener.completed(token, result);
    }
  }

  /** Ends what is under way, without waiting for that. Nothing else is called at or after this. */
  @Override
  public void close() throws IOException {
    var all = new Opened();
    all.add(fd);
    all.add(submissions);
    all.add(completions);
    all.add(entries);
    all.add(argument);
    all.close();
  }
}
