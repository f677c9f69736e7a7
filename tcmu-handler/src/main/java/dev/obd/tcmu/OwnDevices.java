package dev.obd.tcmu;

import dev.obd.backstore.device.BusyException;
import dev.obd.io.Ticker;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.configfs.DeviceTree;
import dev.obd.tcmu.configfs.KernelPaths;
import dev.obd.tcmu.configfs.Lun;
import dev.obd.tcmu.configfs.NewDevice;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Devices that we make: under an adapter number of our own, with names and numbers that other
 * programs do not use.
 */
final class OwnDevices {
  /** {@code user_999999998}; 999999999 is the snapshotter's. */
  static final long HBA = 999_999_998;

  /** A registered identifier without a registered vendor, unlike {@code naa.199...}. */
  private static final String ADAPTER = "naa.50bd";

  private static final int ADAPTER_DIGITS = 12;
  private static final int SERIAL_DIGITS = 32;

  private static final int DATA_MEBIBYTES = 64;
  private static final int RING_MEBIBYTES = 1;
  private static final int MAX_SECTORS = 2048; // 1 MiB

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,100}");

  private OwnDevices() {}

  static void requireName(String name) throws IOException {
    if (!NAME.matcher(name).matches()) {
      throw new IOException(
          "name of a device: expected 1 to 100 letters, digits, - and _, got " + name);
    }
  }

  static NewDevice of(DeviceName name) {
    return new NewDevice(
        name, adapter(name), serial(name), DATA_MEBIBYTES, RING_MEBIBYTES, MAX_SECTORS);
  }

  private static String adapter(DeviceName name) {
    return ADAPTER + digest(name).substring(0, ADAPTER_DIGITS);
  }

  /** Without one of its own each disk would be the same to multipath and to /dev/disk/by-id. */
  private static String serial(DeviceName name) {
    return digest(name).substring(0, SERIAL_DIGITS);
  }

  private static String digest(DeviceName name) {
    try {
      byte[] text = (name.hba() + "/" + name.device()).getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Removes a device and its disk; see {@link dev.obd.backstore.device.Handling#remove}. */
  static void remove(String device, boolean force) throws IOException {
    requireName(device);
    var tree = new DeviceTree(KernelPaths.SYSTEM, Ticker.SYSTEM);
    var name = new DeviceName(HBA, device, "");
    Optional<Lun> lun = tree.find(name);
    if (lun.isPresent() && !force) {
      Optional<String> users = DiskUsers.of(lun.get());
      if (users.isPresent()) {
        throw new BusyException(device + " is in use: " + users.get());
      }
    }
    StaleDevices.answering(
        HBA,
        device,
        () -> {
          boolean removed = tree.remove(name);
          removed |= tree.removeLeftover(adapter(name));
          if (!removed) {
            throw new IOException("there is no device " + device);
          }
        });
  }
}
