package dev.obd.backstore.cache;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * {@code fallocate(2)} through {@code java.lang.foreign}: three calls, linked when the first hole
 * is needed, so that a process that never evicts pays nothing.
 */
final class FallocatePuncher implements HolePuncher {
  private static final int O_WRONLY = 1;
  private static final int O_CLOEXEC = 0x80000; // the same on x86-64 and aarch64
  private static final int KEEP_SIZE_AND_PUNCH_HOLE = 1 | 2;

  private record Calls(MethodHandle open, MethodHandle fallocate, MethodHandle close) {
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
                libc.findOrThrow("fallocate"),
                FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG)),
            linker.downcallHandle(
                libc.findOrThrow("close"), FunctionDescriptor.of(JAVA_INT, JAVA_INT)));
      } catch (RuntimeException | LinkageError e) {
        return null; // no such function, or native access denied: whole blobs are evicted instead
      }
    }
  }

  private static final class Linked {
    static final @Nullable Calls CALLS = Calls.link();
  }

  @Override
  public void punch(Path file, long offset, long length) throws IOException {
    Calls calls = Linked.CALLS;
    if (calls == null) {
      throw new IOException(file + ": fallocate is not to be had on this system");
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocateFrom(file.toString());
      int fd = (int) calls.open.invokeExact(path, O_WRONLY | O_CLOEXEC);
      if (fd < 0) {
        throw new IOException(file + ": cannot be opened to punch a hole");
      }
      int result;
      try {
        result = (int) calls.fallocate.invokeExact(fd, KEEP_SIZE_AND_PUNCH_HOLE, offset, length);
      } finally {
        int _ = (int) calls.close.invokeExact(fd);
      }
      if (result != 0) {
        throw new IOException(file + ": fallocate cannot punch holes here");
      }
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IOException(file + ": fallocate", e); // a method handle declares Throwable
    }
  }
}
