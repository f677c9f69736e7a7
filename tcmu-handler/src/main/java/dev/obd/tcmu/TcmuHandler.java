package dev.obd.tcmu;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceHandler;
import dev.obd.backstore.device.DeviceSource;
import dev.obd.backstore.device.Handling;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.configfs.KernelPaths;
import java.io.IOException;
import java.util.Optional;

/** Serves the TCMU devices that a {@link DeviceSource} claims. Needs root. Thread-safe. */
public final class TcmuHandler implements DeviceHandler {
  @Override
  public String name() {
    return "tcmu";
  }

  @Override
  public Optional<String> unavailableBecause() {
    return Requirements.missing(KernelPaths.SYSTEM);
  }

  @Override
  public Handling start(DeviceSource source) throws IOException {
    Optional<String> missing = unavailableBecause();
    if (missing.isPresent()) {
      throw new IOException(missing.get());
    }
    return new TcmuHandling(SharedService.join(new Claimed(source)));
  }

  /** What a {@link DeviceSource} claims; its disks are ours to close. */
  private record Claimed(DeviceSource source) implements ServedSource {
    @Override
    public boolean claims(DeviceName name) {
      return source.claims(name.subtype());
    }

    @Override
    public BlockDevice open(DeviceName name) throws IOException {
      return source.open(name.config());
    }

    @Override
    public void prepare(BlockDevice disk) throws IOException {
      source.prepare(disk);
    }

    @Override
    public void release(BlockDevice disk) throws IOException {
      disk.close();
    }

    @Override
    public void removed(DeviceName name) {
      source.removed(name.config());
    }
  }
}
