package dev.obd.cli;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * Commands of any kind to a SCSI disk, past the kernel's own: {@code ioctl(SG_IO)}, as in
 * scsi/sg.h. For one thread; closing it closes the disk.
 */
final class ScsiCommands implements AutoCloseable {
  static final int MOST_DATA = 1 << 16;
  static final int MOST_BLOCK = 16;

  private static final int READ_WRITE_NON_BLOCKING = 2 | 0x800;
  private static final long SG_IO = 0x2285;
  private static final int HEADER_BYTES = 88;
  private static final int TIMEOUT_MILLIS = 120_000;
  private static final int MOST_SENSE = 64;
  private static final MethodHandle OPEN =
      bind(
          "open",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
  private static final MethodHandle IOCTL =
      bind(
          "ioctl",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS));
  private static final MethodHandle CLOSE =
      bind("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment header = arena.allocate(HEADER_BYTES, 8);
  private final MemorySegment block = arena.allocate(MOST_BLOCK);
  private final MemorySegment data = arena.allocate(MOST_DATA, 4096);
  private final MemorySegment sense = arena.allocate(MOST_SENSE);
  private final int disk;

  /** Which way data goes. */
  enum Direction {
    NONE(-1),
    TO_DISK(-2),
    FROM_DISK(-3);

    private final int code;

    Direction(int code) {
      this.code = code;
    }
  }

  ScsiCommands(Path node) throws IOException {
    disk = call(OPEN, arena.allocateFrom(node.toString()), READ_WRITE_NON_BLOCKING);
    if (disk < 0) {
      arena.close();
      throw new IOException("cannot open " + node);
    }
  }

  private static MethodHandle bind(String function, FunctionDescriptor types) {
    Linker linker = Linker.nativeLinker();
    MemorySegment address = linker.defaultLookup().findOrThrow(function);
    return function.equals("close")
        ? linker.downcallHandle(address, types)
        : linker.downcallHandle(address, types, Linker.Option.firstVariadicArg(2));
  }

  private static int call(MethodHandle function, Object... arguments) {
    try {
      return (int) function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Runs a command to its end.
   *
   * @param cdb at most {@value #MOST_BLOCK} bytes
   * @param dataBytes at most {@value #MOST_DATA}
   * @return the status that the disk answered; -1 if the kernel did not pass it on, -2 if it ended
   *     without the disk's answer
   */
  int run(byte[] cdb, Direction direction, int dataBytes) {
    header.fill((byte) 0);
    header.set(ValueLayout.JAVA_INT, 0, 'S');
    header.set(ValueLayout.JAVA_INT, 4, direction.code);
    header.set(ValueLayout.JAVA_BYTE, 8, (byte) cdb.length);
    header.set(ValueLayout.JAVA_BYTE, 9, (byte) MOST_SENSE);
    header.set(ValueLayout.JAVA_INT, 12, direction == Direction.NONE ? 0 : dataBytes);
    header.set(ValueLayout.ADDRESS, 16, data);
    header.set(ValueLayout.ADDRESS, 24, block);
    header.set(ValueLayout.ADDRESS, 32, sense);
    header.set(ValueLayout.JAVA_INT, 40, TIMEOUT_MILLIS);
    block.copyFrom(MemorySegment.ofArray(cdb));
    if (call(IOCTL, disk, SG_IO, header) < 0) {
      return -1;
    }
    return header.get(ValueLayout.JAVA_SHORT, 68) != 0
        ? -2
        : Byte.toUnsignedInt(header.get(ValueLayout.JAVA_BYTE, 64));
  }

  @Override
  public void close() {
    call(CLOSE, disk);
    arena.close();
  }
}
