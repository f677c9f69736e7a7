package dev.obd.backstore.device;

import java.io.IOException;

/** Opens the devices that a {@link DeviceHandler} is told to serve. Thread-safe. */
public interface DeviceSource {
  /**
   * True if devices whose configuration begins with {@code subtype} and a slash are served here;
   * others belong to other programs and are left alone.
   */
  boolean claims(String subtype);

  /**
   * Opens a device; may take as long as its image takes. Called for each device the kernel adds,
   * and for each that an earlier process left behind. The handler drains and closes what it gets.
   *
   * @param config what was written as {@code dev_config}: {@code subtype/text}
   * @throws IOException if it cannot be opened; the message says why
   */
  BlockDevice open(String config) throws IOException;

  /**
   * Waits for what the configuration wants to be here before a device is seen. Called once it is
   * open, for devices that are being made only: one that was left behind, or was parked, has users
   * who wait already. May take minutes.
   *
   * @throws IOException if it was interrupted
   */
  void prepare(BlockDevice device) throws IOException;

  /** The kernel has taken the device away; it is closed by now. */
  void removed(String config);
}
