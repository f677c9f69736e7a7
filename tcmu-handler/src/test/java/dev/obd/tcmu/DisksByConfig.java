package dev.obd.tcmu;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.DeviceSource;
import dev.obd.backstore.device.Disk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Disks for devices whose configuration is {@code lab/<key>}. */
final class DisksByConfig implements DeviceSource {
  /** Makes a disk, or fails. */
  interface Opening {
    Disk open() throws IOException;
  }

  private final Map<String, Opening> disks = new ConcurrentHashMap<>();
  private final List<String> removed = new ArrayList<>(); // guarded by this

  volatile DeviceOptions options = DeviceOptions.DEFAULTS;

  void put(String key, Opening opening) {
    disks.put("lab/" + key, opening);
  }

  @Override
  public boolean claims(String subtype) {
    return subtype.equals("lab");
  }

  @Override
  public BlockDevice open(String config) throws IOException {
    Opening opening = disks.get(config);
    if (opening == null) {
      throw new IOException("no image " + config);
    }
    return new BlockDevice(config, opening.open(), options);
  }

  @Override
  public void prepare(BlockDevice device) {}

  @Override
  public synchronized void removed(String config) {
    removed.add(config);
  }

  synchronized List<String> removed() {
    return List.copyOf(removed);
  }
}
