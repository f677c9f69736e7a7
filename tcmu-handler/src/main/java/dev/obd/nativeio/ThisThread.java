package dev.obd.nativeio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What the calling thread may do; to be asked on platform threads. */
public final class ThisThread {
  // struct __user_cap_header_struct: version 0, process 4 (0: this thread)
  private static final int HEADER_BYTES = 8;
  private static final int VERSION_3 = 0x2008_0522;

  // struct __user_cap_data_struct, twice: effective 0, permitted 4, inheritable 8
  private static final int SETS_BYTES = 24;
  private static final int CAP_SYS_ADMIN = 1 << 21;

  /** What is done with less. */
  @FunctionalInterface
  public interface Task {
    void run() throws IOException;
  }

  private ThisThread() {}

  /** Runs {@code task} without CAP_SYS_ADMIN in effect, and takes it back then. */
  public static void withoutAdministration(Task task) throws IOException {
    ByteBuffer header = ByteBuffer.allocateDirect(HEADER_BYTES).order(ByteOrder.nativeOrder());
    ByteBuffer sets = ByteBuffer.allocateDirect(SETS_BYTES).order(ByteOrder.nativeOrder());
    header.putInt(0, VERSION_3);
    LibC.checked(LibC.calls().capget(header, sets), "capget()");
    int effective = sets.getInt(0);
    sets.putInt(0, effective & ~CAP_SYS_ADMIN);
    LibC.checked(LibC.calls().capset(header, sets), "capset()");
    try {
      task.run();
    } finally {
      sets.putInt(0, effective);
      LibC.checked(LibC.calls().capset(header, sets), "capset()");
    }
  }
}
