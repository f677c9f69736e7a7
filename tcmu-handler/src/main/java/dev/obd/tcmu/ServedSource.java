package dev.obd.tcmu;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.tcmu.configfs.DeviceName;
import java.io.IOException;

/** Where the disks behind devices come from. Thread-safe. */
interface ServedSource {
  /** Whose name is not claimed by anybody is left alone. */
  boolean claims(DeviceName name);

  /** May take long. */
  BlockDevice open(DeviceName name) throws IOException;

  /**
   * Waits until a device that is being made, whose disk was opened here, may be seen; may take
   * minutes.
   */
  default void prepare(BlockDevice disk) throws IOException {}

  /** {@code disk} was opened here and is not used any more. */
  void release(BlockDevice disk) throws IOException;

  /** The device is gone; its disk is released. */
  void removed(DeviceName name);
}
