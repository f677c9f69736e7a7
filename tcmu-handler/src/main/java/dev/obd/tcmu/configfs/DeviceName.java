package dev.obd.tcmu.configfs;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the kernel calls a device: {@code tcm-user/999999999/dev_17/overlaybd//etc/c.json}.
 *
 * @param hba the number of the adapter it is configured under, {@code user_<hba>}
 * @param device its name there
 * @param config what was written as {@code dev_config}: {@code subtype/text}
 */
public record DeviceName(long hba, String device, String config) {
  private static final String PREFIX = "tcm-user";
  private static final long MAX_HBA = 0xFFFF_FFFFL;
  private static final Pattern DIGITS = Pattern.compile("[0-9]{1,10}");

  public DeviceName {
    if (hba < 0 || hba > MAX_HBA) {
      throw new IllegalArgumentException("hba: 0 to " + MAX_HBA + ", is " + hba);
    }
    if (device.isEmpty()
        || device.equals(".")
        || device.equals("..")
        || device.indexOf('/') >= 0
        || device.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("not a name of a device: " + device);
    }
  }

  /** Empty if it is not the name of a TCMU device. */
  public static Optional<DeviceName> parse(String text) {
    String[] parts = text.strip().split("/", 4);
    if (parts.length < 4 || !parts[0].equals(PREFIX) || !DIGITS.matcher(parts[1]).matches()) {
      return Optional.empty();
    }
    try {
      return Optional.of(new DeviceName(Long.parseLong(parts[1]), parts[2], parts[3]));
    } catch (IllegalArgumentException _) {
      return Optional.empty();
    }
  }

  /** The config's text before the first slash: whose device this is. */
  public String subtype() {
    int slash = config.indexOf('/');
    return slash < 0 ? config : config.substring(0, slash);
  }

  @Override
  public String toString() {
    return PREFIX + "/" + hba + "/" + device + "/" + config;
  }
}
