package dev.obd.nativeio;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;
import org.jspecify.annotations.Nullable;

/** libc, bound at the first use of {@link #calls}. */
final class LibC {
  /** The C prototypes on 64-bit Linux; sizes and offsets are {@code long}. */
  public interface Calls {
    int open(String path, int flags, int mode);

    int close(int fd);

    long read(int fd, @Out ByteBuffer into, long count);

    long write(int fd, @In ByteBuffer from, long count);

    int ioctl(int fd, long request, ByteBuffer argument);

    int ioctl(int fd, long request, long argument);

    int fallocate(int fd, int mode, long offset, long length);

    // The address is a Pointer and not a long: see the note on stubs in the class below.
    long mmap(@Nullable Pointer at, long length, int protection, int flags, int fd, long offset);

    int munmap(long address, long length);

    int mount(
        @Nullable String source, String target, String type, long flags, @Nullable String data);

    int umount2(String target, int flags);

    int unshare(int flags);

    long syscall(long number, long first, long second, long third);

    long syscall(long number, long first, ByteBuffer second);

    long syscall(
        long number, int first, int second, int third, int fourth, ByteBuffer fifth, long sixth);

    int pipe2(@Out int[] ends, int flags);

    int socketpair(int domain, int type, int protocol, @Out int[] ends);

    long recvmsg(int fd, ByteBuffer message, int flags);

    int posix_spawn(
        @Out int[] pid,
        String path,
        ByteBuffer fileActions,
        @Nullable Pointer attributes,
        ByteBuffer arguments,
        ByteBuffer environment);

    int posix_spawn_file_actions_init(ByteBuffer actions);

    int posix_spawn_file_actions_adddup2(ByteBuffer actions, int from, int to);

    int posix_spawn_file_actions_destroy(ByteBuffer actions);

    int waitpid(int pid, @Out int[] status, int options);

    int poll(ByteBuffer descriptors, long count, int timeoutMillis);

    int eventfd(int initial, int flags);

    int socket(int domain, int type, int protocol);

    int bind(int fd, @In ByteBuffer address, int length);

    int connect(int fd, @In ByteBuffer address, int length);

    int setsockopt(int fd, int level, int option, @In ByteBuffer value, int length);

    int getsockopt(int fd, int level, int option, ByteBuffer value, ByteBuffer length);

    long sendto(
        int fd, @In ByteBuffer from, long count, int flags, @In ByteBuffer address, int length);

    long recvfrom(
        int fd, @Out ByteBuffer into, long count, int flags, ByteBuffer address, ByteBuffer length);

    int mlockall(int flags);

    int prctl(int option, long second, long third, long fourth, long fifth);

    int capget(ByteBuffer header, ByteBuffer sets);

    int capset(ByteBuffer header, ByteBuffer sets);

    int getrlimit(int resource, ByteBuffer limits);

    int setrlimit(int resource, ByteBuffer limits);

    int madvise(long address, long length, int advice);

    int mkdir(String path, int mode);

    int rmdir(String path);

    int unlink(String path);

    int symlink(String target, String path);
  }

  private static final class Holder {
    static final Calls CALLS = load();
    static final Runtime RUNTIME = Runtime.getRuntime(CALLS);

    private static Calls load() {
      // jnr's generated x86-64 stubs pass garbage as the sixth integer argument (mmap's offset);
      // without them the calls go through libffi, which costs nothing measurable. The launcher
      // sets this too: the property must be there before any other user of jnr in the process.
      System.setProperty("jnr.ffi.x86asm.enabled", "false");
      Calls calls = LibraryLoader.create(Calls.class).failImmediately().load("c");
      // Links the error path once: the number is kept per native thread, and a first use that
      // waits for a class to be linked could resume a virtual thread on another one.
      Runtime.getRuntime(calls).getLastError();
      return calls;
    }
  }

  private LibC() {}

  static Calls calls() {
    return Holder.CALLS;
  }

  /** The calling thread's errno, which is only meaningful right after a call that failed. */
  static int errno() {
    return Holder.RUNTIME.getLastError();
  }

  /** Throws unless {@code result}, just returned by {@code call}, is zero or more. */
  static int checked(int result, String call) throws ErrnoException {
    if (result < 0) {
      throw new ErrnoException(call, errno());
    }
    return result;
  }

  /** A zero-terminated string in native memory. */
  static ByteBuffer cString(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocateDirect(bytes.length + 1).put(bytes).put((byte) 0).flip();
  }
}
