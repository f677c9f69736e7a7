package dev.obd.tcmu;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.HandledDevice.State;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.configfs.KernelPaths;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/**
 * Devices that nobody serves. To remove one its disk has to be flushed first, and its handler to be
 * asked; so somebody has to refuse both.
 */
final class StaleDevices {
  private StaleDevices() {}

  /** Claims one device and has no disk for it. */
  private record Nothing(DeviceName claimed) implements ServedSource {
    @Override
    public boolean claims(DeviceName name) {
      return name.equals(claimed);
    }

    @Override
    public BlockDevice open(DeviceName name) throws IOException {
      throw new IOException(name.device() + " is being removed");
    }

    @Override
    public void release(BlockDevice disk) {}

    @Override
    public void removed(DeviceName name) {}
  }

  /** Removes a device. */
  @FunctionalInterface
  interface Removal {
    void run() throws IOException;
  }

  /** Runs {@code removal}, which no dead handler of the device can hold up. */
  static void answering(long hba, String device, Removal removal) throws IOException {
    Optional<Map.Entry<Integer, DeviceName>> found = find(hba, device);
    if (found.isEmpty()) {
      removal.run();
      return;
    }
    DeviceName name = found.get().getValue();
    Optional<TcmuDevice> served = SharedService.find(name);
    if (served.isPresent()) {
      if (!(served.get().state() instanceof State.Serving)) {
        served.get().refuseCommands();
      }
      removal.run();
    } else if (isServed(found.get().getKey())) {
      removal.run(); // by another process, which answers
    } else {
      try (SharedService.Lease lease = SharedService.join(new Nothing(name))) {
        lease.service().find(name).ifPresent(TcmuDevice::refuseCommands);
        removal.run();
      }
    }
  }

  private static Optional<Map.Entry<Integer, DeviceName>> find(long hba, String device)
      throws IOException {
    return UioDevice.list(KernelPaths.SYSTEM).entrySet().stream()
        .filter(e -> e.getValue().hba() == hba && e.getValue().device().equals(device))
        .findFirst();
  }

  /** True if a process has the device open. */
  static boolean isServed(int uio) throws IOException {
    try {
      UioDevice.probe(KernelPaths.SYSTEM, uio);
      return false;
    } catch (ErrnoException e) {
      if (e.is(Errno.EBUSY)) {
        return true;
      }
      throw e;
    }
  }
}
