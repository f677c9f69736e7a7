package dev.obd.bench;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Disk;
import dev.obd.backstore.device.Export;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.concurrent.CountDownLatch;

/** Shows a disk in memory through any front-end: what is measured is the front-end. */
public final class MemoryDoor {
  private MemoryDoor() {}

  /**
   * Serves until SIGTERM.
   *
   * @param args the URI and the disk's size in MiB, less than 2048
   */
  public static void main(String[] args) throws Exception {
    var where = URI.create(args[0]);
    var disk = new MemoryDisk(Integer.parseInt(args[1]) << 20);
    DeviceFrontend frontend =
        ServiceLoader.load(DeviceFrontend.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(f -> f.scheme().equals(where.getScheme()))
            .findFirst()
            .orElseThrow(() -> new IOException("no front-end for " + where));
    var device = new BlockDevice("memory", disk, DeviceOptions.DEFAULTS);
    Export export = frontend.export(device, where);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              try (device;
                  export) {
                System.out.println("closing " + export.address());
              } catch (IOException e) {
                System.out.println(e);
              }
            }));
    System.out.println("ready " + export.address());
    new CountDownLatch(1).await();
  }

  /** Random bytes that can be overwritten. */
  private record MemoryDisk(ByteBuffer bytes) implements Disk {
    MemoryDisk(int size) {
      this(ByteBuffer.allocateDirect(size));
      byte[] chunk = new byte[1 << 20];
      var random = new Random(1);
      while (bytes.hasRemaining()) {
        random.nextBytes(chunk);
        bytes.put(chunk, 0, Math.min(chunk.length, bytes.remaining()));
      }
    }

    @Override
    public long size() {
      return bytes.capacity();
    }

    @Override
    public boolean writable() {
      return true;
    }

    @Override
    public void read(long offset, ByteBuffer dst) {
      dst.put(bytes.slice((int) offset, dst.remaining()));
    }

    @Override
    public void write(long offset, ByteBuffer src) {
      bytes.put((int) offset, src, src.position(), src.remaining());
      src.position(src.limit());
    }

    @Override
    public void discard(long offset, long length) {
      bytes.slice((int) offset, (int) length).put(new byte[(int) length]);
    }

    @Override
    public void flush() {}

    @Override
    public void prefetch(long offset, long length) {}

    @Override
    public void extents(long offset, long length, Visitor visitor) throws IOException {
      visitor.extent(offset, length, Kind.DATA);
    }

    @Override
    public void close() {}
  }
}
