package dev.obd.backstore.disk;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What Java does not do with files: share the blocks of another, and find holes. One open file. Not
 * thread-safe.
 */
final class FileCalls implements Closeable {
  private static final int O_RDONLY = 0;
  private static final int O_WRONLY = 1;
  private static final int O_CLOEXEC = 0x80000; // these are the same on x86-64 and aarch64
  private static final long FICLONE = 0x4004_9409L;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;

  private record Calls(
      MethodHandle open, MethodHandle close, MethodHandle ioctl, MethodHandle lseek) {
    static @Nullable Calls link() {
      try {
        Linker linker = Linker.nativeLinker();
        var libc = linker.defaultLookup();
        return new Calls(
            linker.downcallHandle(
                libc.findOrThrow("open"),
                FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
                Linker.Option.firstVariadicArg(2)),
            linker.downcallHandle(
                libc.findOrThrow("close"), FunctionDescriptor.of(JAVA_INT, JAVA_INT)),
            linker.downcallHandle(
                libc.findOrThrow("ioctl"),
                FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG),
                Linker.Option.firstVariadicArg(2)),
            linker.downcallHandle(
                libc.findOrThrow("lseek"),
                FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT)));
      } catch (RuntimeException | LinkageError e) {
        return null; // no such function, or native access denied
      }
    }
  }

  private static final class Linked {
    static final @Nullable Calls CALLS = Calls.link();
  }

  private final Calls calls;
  private final int fd;

  private FileCalls(Calls calls, int fd) {
    this.calls = calls;
    this.fd = fd;
  }

  /** Opens a file for reading; empty where there are no such calls. */
  static Optional<FileCalls> read(Path file) throws IOException {
    return open(file, O_RDONLY);
  }

  /** Opens a file that exists for writing; empty where there are no such calls. */
  static Optional<FileCalls> write(Path file) throws IOException {
    return open(file, O_WRONLY);
  }

  private static Optional<FileCalls> open(Path file, int flags) throws IOException {
    Calls calls = Linked.CALLS;
    if (calls == null) {
      return Optional.empty();
    }
    try (Arena arena = Arena.ofConfined()) {
      var path = arena.allocateFrom(file.toAbsolutePath().toString());
      int fd = (int) calls.open.invokeExact(path, flags | O_CLOEXEC);
      if (fd < 0) {
        throw new IOException(file + ": cannot be opened");
      }
      return Optional.of(new FileCalls(calls, fd));
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  /** Makes this file share all blocks of {@code other}; false where the file system cannot. */
  boolean cloneFrom(FileCalls other) throws IOException {
    try {
      return (int) calls.ioctl.invokeExact(fd, FICLONE, (long) other.fd) == 0;
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  /** Where data begins at or after {@code offset}; negative if there is none. */
  long nextData(long offset) throws IOException {
    return seek(offset, SEEK_DATA);
  }

  /** Where the data at {@code offset} ends. */
  long nextHole(long offset) throws IOException {
    return seek(offset, SEEK_HOLE);
  }

  private long seek(long offset, int whence) throws IOException {
    try {
      return (long) calls.lseek.invokeExact(fd, offset, whence);
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  @Override
  public void close() throws IOException {
    try {
      int _ = (int) calls.close.invokeExact(fd);
    } catch (Throwable e) {
      throw failure(e);
    }
  }

  /** A method handle declares Throwable. */
  private static IOException failure(Throwable e) {
    return switch (e) {
      case IOException io -> io;
      case RuntimeException bug -> throw bug;
      case Error error -> throw error;
      default -> new IOException(e);
    };
  }
}
