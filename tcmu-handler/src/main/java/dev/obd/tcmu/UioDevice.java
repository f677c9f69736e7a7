package dev.obd.tcmu;

import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import dev.obd.nativeio.Mapping;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.configfs.DeviceTree;
import dev.obd.tcmu.configfs.KernelPaths;
import dev.obd.tcmu.ring.RingKernel;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** An open {@code /dev/uio} with its memory. The kernel lets only one process have it. */
final class UioDevice implements RingKernel, Closeable {
  private static final Logger log = LogManager.getLogger(UioDevice.class);
  private static final String NUMBERED = "uio";
  private static final int WORD = Integer.BYTES;

  /** A mailbox and the least ring. */
  private static final long LEAST_BYTES = 4096;

  private final DeviceName name;
  private final DeviceTree tree;
  private final Executor background;
  private final Fd fd;
  private final Mapping memory;
  private final ByteBuffer zeros = ByteBuffer.allocateDirect(WORD).asReadOnlyBuffer();
  private final ByteBuffer events = ByteBuffer.allocateDirect(WORD);

  private UioDevice(DeviceName name, DeviceTree tree, Executor background, Fd fd, Mapping memory) {
    this.name = name;
    this.tree = tree;
    this.background = background;
    this.fd = fd;
    this.memory = memory;
  }

  /**
   * Opens {@code /dev/uio<number>}.
   *
   * @throws ErrnoException EBUSY if another process has it
   */
  static UioDevice open(
      KernelPaths paths, int number, DeviceName name, DeviceTree tree, Executor background)
      throws IOException {
    long bytes = size(paths, number);
    Fd fd = Fd.open(paths.dev().resolve(NUMBERED + number), Fd.READ_WRITE | Fd.NON_BLOCKING);
    try {
      return new UioDevice(
          name, tree, background, fd, Mapping.shared(fd, 0, Math.toIntExact(bytes), true));
    } catch (IOException e) {
      fd.close();
      throw e;
    }
  }

  /**
   * Opens {@code /dev/uio<number>} for a moment.
   *
   * @throws ErrnoException EBUSY if a process has it
   */
  static void probe(KernelPaths paths, int number) throws IOException {
    Fd.open(paths.dev().resolve(NUMBERED + number), Fd.READ_WRITE | Fd.NON_BLOCKING).close();
  }

  private static long size(KernelPaths paths, int number) throws IOException {
    Path file = paths.uioClass().resolve(NUMBERED + number + "/maps/map0/size");
    String text = Files.readString(file).strip();
    try {
      long bytes = Long.decode(text);
      if (bytes >= LEAST_BYTES && bytes <= Integer.MAX_VALUE) {
        return bytes;
      }
    } catch (NumberFormatException _) {
      // told below
    }
    throw new IOException(
        file
            + ": expected "
            + LEAST_BYTES
            + " to "
            + Integer.MAX_VALUE
            + " bytes, got "
            + text
            + " (max_data_area_mb is at most 2000)");
  }

  /** All TCMU devices of the machine by the number of their {@code /dev/uio}. */
  static Map<Integer, DeviceName> list(KernelPaths paths) throws IOException {
    var found = new TreeMap<Integer, DeviceName>();
    try (DirectoryStream<Path> devices =
        Files.newDirectoryStream(paths.uioClass(), NUMBERED + "*")) {
      for (Path device : devices) {
        try {
          int number =
              Integer.parseInt(device.getFileName().toString().substring(NUMBERED.length()));
          Optional<DeviceName> name = DeviceName.parse(Files.readString(device.resolve("name")));
          name.ifPresent(n -> found.put(number, n));
        } catch (IOException | NumberFormatException _) {
          // it went away, or is no device
        }
      }
    } catch (NoSuchFileException | NotDirectoryException _) {
      return Map.of(); // no uio driver yet
    }
    return found;
  }

  /** To be polled: ready when the kernel has written something, or is done with the device. */
  Fd fd() {
    return fd;
  }

  ByteBuffer memory() {
    return memory.buffer();
  }

  /** Takes the kernel's events so far. False if the device is gone. For one thread. */
  boolean takeEvents() throws IOException {
    try {
      fd.read(events.clear());
      return true;
    } catch (ErrnoException e) {
      if (e.is(Errno.EAGAIN)) {
        return true; // none
      }
      if (e.is(Errno.EIO)) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public void ringDoorbell() throws IOException {
    fd.write(zeros.duplicate());
  }

  @Override
  public boolean isBacked(long offset, long length) {
    return memory.isBacked(offset, length);
  }

  @Override
  public void freeKeptBuffers(int command) {
    background.execute(() -> {
      try {
        tree.freeKeptBuffers(name, command);
      } catch (IOException e) { // gone with the device, perhaps
        log.warn("tcmu.kept.buffers.not.freed device={} command={}", name, command, e);
      }
    });
  }

  /** Nobody may touch the memory any more. */
  @Override
  public void close() throws IOException {
    try {
      memory.close();
    } finally {
      fd.close();
    }
  }
}
