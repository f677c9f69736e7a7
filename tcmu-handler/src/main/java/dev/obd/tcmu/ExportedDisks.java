package dev.obd.tcmu;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.tcmu.configfs.DeviceName;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Disks that this process has open already and shows; it closes them itself. */
final class ExportedDisks implements ServedSource {
  static final String SUBTYPE = "obd-export";

  private final Map<DeviceName, BlockDevice> disks = new ConcurrentHashMap<>();

  /** Claims {@code name}, if nobody has. */
  void add(DeviceName name, BlockDevice disk) throws IOException {
    if (disks.putIfAbsent(name, disk) != null) {
      throw new IOException(name.device() + " is exported already");
    }
  }

  void forget(DeviceName name) {
    disks.remove(name);
  }

  boolean isEmpty() {
    return disks.isEmpty();
  }

  @Override
  public boolean claims(DeviceName name) {
    return disks.containsKey(name);
  }

  @Override
  public BlockDevice open(DeviceName name) throws IOException {
    BlockDevice disk = disks.get(name);
    if (disk == null) {
      throw new IOException(name.device() + " is not exported any more");
    }
    return disk;
  }

  @Override
  public void release(BlockDevice disk) {
    // its owner closes it
  }

  @Override
  public void removed(DeviceName name) {
    // close() or whoever removed it by hand knows
  }
}
