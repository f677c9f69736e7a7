package dev.obd.nativeio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What a process that serves block devices asks of the kernel for itself. */
public final class ThisProcess {
  private static final int MCL_CURRENT = 1;
  private static final int MCL_FUTURE = 2;
  private static final int MCL_ONFAULT = 4;
  private static final int PR_SET_THP_DISABLE = 41;
  private static final int PR_SET_IO_FLUSHER = 57;
  private static final int RLIMIT_NOFILE = 7;

  private ThisProcess() {}

  /**
   * Keeps all memory that was or will be touched in RAM. Needs CAP_IPC_LOCK or a high
   * RLIMIT_MEMLOCK.
   */
  public static void lockMemory() throws IOException {
    LibC.checked(
        LibC.calls().mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT),
        "mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)");
  }

  /**
   * When the kernel needs memory on behalf of the calling thread, it does not wait for I/O, which
   * might be I/O that waits for this thread. Inherited by threads and programs started by it from
   * now on, so call it early. Needs CAP_SYS_RESOURCE and Linux 5.6.
   */
  public static void serveBlockDevicesOnThisThread() throws IOException {
    LibC.checked(LibC.calls().prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0), "prctl(PR_SET_IO_FLUSHER, 1)");
  }

  /** No transparent huge pages: they make locked memory larger than what is used. */
  public static void useSmallPages() throws IOException {
    LibC.checked(
        LibC.calls().prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), "prctl(PR_SET_THP_DISABLE, 1)");
  }

  /**
   * Raises the number of files that may be open to {@code wanted}, or as near to it as this process
   * may go.
   *
   * @return what it is now
   */
  public static long raiseOpenFiles(long wanted) throws IOException {
    ByteBuffer limits = ByteBuffer.allocateDirect(2 * Long.BYTES).order(ByteOrder.nativeOrder());
    LibC.checked(LibC.calls().getrlimit(RLIMIT_NOFILE, limits), "getrlimit(RLIMIT_NOFILE)");
    long soft = limits.getLong(0);
    long hard = limits.getLong(Long.BYTES);
    if (Long.compareUnsigned(soft, wanted) >= 0) {
      return soft;
    }
    limits.putLong(0, wanted).putLong(Long.BYTES, unsignedMax(hard, wanted));
    if (LibC.calls().setrlimit(RLIMIT_NOFILE, limits) == 0) {
      return wanted;
    }
    if (Long.compareUnsigned(soft, hard) < 0) { // without privileges up to the hard limit
      long possible = Long.compareUnsigned(hard, wanted) < 0 ? hard : wanted;
      limits.putLong(0, possible).putLong(Long.BYTES, hard);
      LibC.checked(
          LibC.calls().setrlimit(RLIMIT_NOFILE, limits),
          "setrlimit(RLIMIT_NOFILE, " + possible + ")");
      return possible;
    }
    return soft;
  }

  private static long unsignedMax(long a, long b) {
    return Long.compareUnsigned(a, b) > 0 ? a : b;
  }
}
