package dev.obd.tcmu.scsi;

import java.io.IOException;

/**
 * What the disk says it is.
 *
 * @param serial asked at each INQUIRY for it: it may be set while the device is in use
 * @param config the handler's configuration of the device, shown in VPD page 83h
 */
public record Identity(SerialNumber serial, String config) {
  /** Where the unit serial number comes from. */
  @FunctionalInterface
  public interface SerialNumber {
    /**
     * The number, which may be empty.
     *
     * @throws IOException if it cannot be read; the command fails with HARDWARE ERROR
     */
    String read() throws IOException;
  }
}
