package dev.obd.format.lsmt;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What Linux can do with a sparse file and {@code FileChannel} cannot: find data and holes, punch
 * holes, grow without writing. Thread-safe until closed.
 */
final class HostFile implements Closeable {
  private static final int O_RDWR_CLOEXEC = 2 | 0x80000;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;
  private static final int KEEP_SIZE_PUNCH_HOLE = 1 | 2;
  private static final int ENXIO = 6;
  private static final int EINTR = 4;
  private static final int EOPNOTSUPP = 95;

  private final String name;
  private final int fd;
  private boolean closed;

  private HostFile(String name, int fd) {
    this.name = name;
    this.fd = fd;
  }

  /** The functions of the C library; looked up once, and only if a sparse layer is used. */
  private static final class C {
    static final StructLayout STATE = Linker.Option.captureStateLayout();
    static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    static final MethodHandle OPEN =
        bind("open", ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
    static final MethodHandle LSEEK =
        bind(
            "lseek",
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT);
    static final MethodHandle FALLOCATE =
        bind(
            "fallocate",
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);
    static final MethodHandle FTRUNCATE =
        bind("ftruncate", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG);
    static final MethodHandle CLOSE = bind("close", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);

    private static MethodHandle bind(
        String function, MemoryLayout result, MemoryLayout... arguments) {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(
          linker.defaultLookup().findOrThrow(function),
          FunctionDescriptor.of(result, arguments),
          Linker.Option.captureCallState("errno"));
    }
  }

  /** One call of a C function; the segment receives errno. */
  @FunctionalInterface
  private interface Call {
    long run(MemorySegment state) throws Throwable;
  }

  /** An existing file, for reading and writing. */
  static HostFile open(Path path) throws IOException {
    if (!System.getProperty("os.name", "").toLowerCase(Locale.ROOT).contains("linux")) {
      throw new IOException(path + ": sparse layers need Linux");
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(path.toAbsolutePath().toString());
      long fd =
          call(
              path.toString(),
              "open",
              Integer.MIN_VALUE,
              state -> (int) C.OPEN.invokeExact(state, text, O_RDWR_CLOEXEC));
      return new HostFile(path.toString(), (int) fd);
    }
  }

  /** The first byte of data at or after {@code offset}; -1 if there is none. */
  long nextData(long offset) throws IOException {
    return call(
        name, "lseek", ENXIO, state -> (long) C.LSEEK.invokeExact(state, fd, offset, SEEK_DATA));
  }

  /** The first byte of a hole at or after {@code offset}, which is data; the end counts as one. */
  long nextHole(long offset) throws IOException {
    return call(
        name, "lseek", ENXIO, state -> (long) C.LSEEK.invokeExact(state, fd, offset, SEEK_HOLE));
  }

  /** Gives the range back to the file system; false if that cannot do it. */
  boolean punchHole(long offset, long length) throws IOException {
    return call(
            name,
            "fallocate",
            EOPNOTSUPP,
            state -> (int) C.FALLOCATE.invokeExact(state, fd, KEEP_SIZE_PUNCH_HOLE, offset, length))
        == 0;
  }

  /** Sets the file's size; what is new is a hole. */
  void setSize(long size) throws IOException {
    call(
        name,
        "ftruncate",
        Integer.MIN_VALUE,
        state -> (int) C.FTRUNCATE.invokeExact(state, fd, size));
  }

  @Override
  public synchronized void close() throws IOException {
    if (!closed) {
      closed = true;
      // EINTR of close still closed it.
      call(name, "close", EINTR, state -> (int) C.CLOSE.invokeExact(state, fd));
    }
  }

  /**
   * Runs {@code call}, again if interrupted; {@code expected} errno is -1, another an exception.
   */
  private static long call(String file, String function, int expected, Call call)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(C.STATE);
      while (true) {
        long result = call.run(state);
        if (result >= 0) {
          return result;
        }
        int errno = (int) C.ERRNO.get(state, 0L);
        if (errno == expected) {
          return -1;
        }
        if (errno != EINTR) {
          throw new IOException(file + ": " + function + " failed, errno " + errno);
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(function + " threw", e);
    }
  }
}
