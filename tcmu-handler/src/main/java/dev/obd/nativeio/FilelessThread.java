package dev.obd.nativeio;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntSupplier;

/**
 * Runs a system call that may wait for an answer of this very process, such as a mount of a file
 * system that it serves.
 *
 * <p>Such a call cannot be killed while it waits. If the process is killed, its other threads end
 * and nobody is left to answer; the kernel would notice that when the last descriptor of {@code
 * /dev/fuse} is closed, but a thread that waits keeps the process's descriptors open. So the call
 * runs on a thread of its own that has given them up: then they go with the other threads, the call
 * fails, and the process is gone.
 */
final class FilelessThread {
  private static final int CLONE_FILES = 0x400;
  private static final long SYS_CLOSE_RANGE = 436; // Linux 5.9, on every architecture
  private static final long FIRST = 3;
  private static final long LAST = 0xFFFF_FFFFL;

  private FilelessThread() {}

  /**
   * Waits for the call's end, on any kind of thread; not interruptible.
   *
   * @param systemCall uses no descriptor but one it opens, which its end closes, and loads no
   *     class; negative for an error
   * @return 0 or the positive error number
   */
  static int call(IntSupplier systemCall) {
    Warm.up();
    var errno = new int[1];
    var failure = new AtomicReference<Throwable>();
    Thread thread =
        Thread.ofPlatform()
            .name("obd-mount")
            .daemon()
            .uncaughtExceptionHandler((_, e) -> failure.set(e))
            .start(() -> {
              // Where one of the two is not to be had the call is none the worse for it.
              if (LibC.calls().unshare(CLONE_FILES) == 0) {
                LibC.calls().syscall(SYS_CLOSE_RANGE, FIRST, LAST, 0);
              }
              errno[0] = systemCall.getAsInt() < 0 ? LibC.errno() : 0;
            });
    join(thread);
    if (failure.get() != null) {
      throw new IllegalStateException("system call", failure.get());
    }
    return errno[0];
  }

  /** Links what calls need: a thread without files cannot read classes from a jar. */
  private static final class Warm {
    static {
      LibC.Calls libc = LibC.calls();
      libc.mount("", "", "", 0, null);
      libc.umount2("", 0);
      libc.mkdir("", 0);
      libc.rmdir("");
      libc.unlink("");
      libc.symlink("", "");
      libc.open("", 0, 0);
      libc.write(-1, ByteBuffer.allocateDirect(1), 1);
      libc.close(-1);
      LibC.errno();
    }

    static void up() {
      // by being called
    }
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException _) {
        interrupted = true; // what became of the mount must be known all the same
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
