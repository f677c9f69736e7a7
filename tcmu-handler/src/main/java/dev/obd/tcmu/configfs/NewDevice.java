package dev.obd.tcmu.configfs;

/**
 * A device to be made.
 *
 * @param adapter of the loopback adapter: {@code naa.} and 16 hexadecimal digits
 * @param serial its unit serial number; empty leaves the kernel's
 * @param dataMebibytes most that commands in flight may hold, MiB
 * @param ringMebibytes of the command ring
 * @param maxSectors most sectors of 512 bytes that one command moves
 */
public record NewDevice(
    DeviceName name,
    String adapter,
    String serial,
    int dataMebibytes,
    int ringMebibytes,
    int maxSectors) {
  /** The kernel's limit, with the zero at the end. */
  private static final int CONFIG_BYTES = 256;

  private static final int NAME_BYTES = 127;

  public NewDevice {
    String config = name.config();
    if (config.length() >= CONFIG_BYTES) {
      throw new IllegalArgumentException(
          "configuration of a device: at most 255 characters, has " + config.length());
    }
    // The kernel takes a comma for the end of it, and drops the rest without a word.
    if (config.chars().anyMatch(c -> c == ',' || c < ' ')) {
      throw new IllegalArgumentException("configuration of a device: no comma allowed: " + config);
    }
    if (name.device().length() > NAME_BYTES) {
      throw new IllegalArgumentException("name of a device: at most " + NAME_BYTES + " characters");
    }
  }
}
