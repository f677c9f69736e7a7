package dev.obd.tcmu.scsi;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** INQUIRY data and vital product data pages, as overlaybd-tcmu answers them. */
final class Inquiry {
  static final int SUPPORTED_PAGES = 0x00;
  static final int UNIT_SERIAL_NUMBER = 0x80;
  static final int DEVICE_IDENTIFICATION = 0x83;
  static final int BLOCK_LIMITS = 0xB0;
  static final int BLOCK_DEVICE_CHARACTERISTICS = 0xB1;
  static final int LOGICAL_BLOCK_PROVISIONING = 0xB2;

  private static final int HEADER = 4;
  private static final int MAX_TEXT = 254; // a designator's length is one byte, and a NUL follows
  private static final String VENDOR = "LIO-ORG ";
  private static final int CODE_SET_BINARY = 1;
  private static final int CODE_SET_ASCII = 2;
  private static final int TYPE_VENDOR_SPECIFIC = 0;
  private static final int TYPE_T10_VENDOR_ID = 1;
  private static final int TYPE_NAA = 3;
  private static final int NAA_BYTES = 16;

  private Inquiry() {}

  /** 36 bytes: SPC-3, commands are queued. */
  static byte[] standard() {
    var out = ByteBuffer.allocate(36);
    out.put(new byte[] {0, 0, 5, 2, 31, 8, 0, 2});
    out.put((VENDOR + "TCMU device     0002").getBytes(StandardCharsets.US_ASCII));
    return out.array();
  }

  static byte[] supportedPages() {
    return page(
        SUPPORTED_PAGES,
        new byte[] {
          SUPPORTED_PAGES,
          (byte) UNIT_SERIAL_NUMBER,
          (byte) DEVICE_IDENTIFICATION,
          (byte) BLOCK_LIMITS,
          (byte) BLOCK_DEVICE_CHARACTERISTICS,
          (byte) LOGICAL_BLOCK_PROVISIONING
        });
  }

  static byte[] unitSerialNumber(Identity identity) throws Refusal {
    byte[] serial = serial(identity, MAX_TEXT);
    return page(UNIT_SERIAL_NUMBER, Arrays.copyOf(serial, serial.length + 1));
  }

  static byte[] deviceIdentification(Identity identity) throws Refusal {
    byte[] vendor = VENDOR.getBytes(StandardCharsets.US_ASCII);
    byte[] serial = serial(identity, MAX_TEXT - vendor.length);
    byte[] t10 = Arrays.copyOf(vendor, vendor.length + serial.length + 1);
    System.arraycopy(serial, 0, t10, vendor.length, serial.length);
    byte[] config = bytes(identity.config(), MAX_TEXT);
    byte[] specific = Arrays.copyOf(config, config.length + 1);
    var out = ByteBuffer.allocate(3 * HEADER + t10.length + NAA_BYTES + specific.length);
    designator(out, CODE_SET_ASCII, TYPE_T10_VENDOR_ID, t10);
    designator(out, CODE_SET_BINARY, TYPE_NAA, naa(serial));
    designator(out, CODE_SET_ASCII, TYPE_VENDOR_SPECIFIC, specific);
    return page(DEVICE_IDENTIFICATION, out.array());
  }

  private static void designator(ByteBuffer out, int codeSet, int type, byte[] value) {
    out.put((byte) codeSet).put((byte) type).put((byte) 0).put((byte) value.length).put(value);
  }

  /**
   * NAA 6 with the company identifier 00-14-05, and the hexadecimal digits of the serial number,
   * whatever lies between them, from the low half of byte 3 on: the kernel does the same.
   */
  private static byte[] naa(byte[] serial) {
    byte[] naa = new byte[NAA_BYTES];
    naa[0] = 0x60;
    naa[1] = 0x01;
    naa[2] = 0x40;
    naa[3] = 0x50;
    int nibble = 7;
    for (int i = 0; i < serial.length && nibble < 2 * NAA_BYTES; i++) {
      int digit = Character.digit((char) serial[i], 16);
      if (digit >= 0) {
        naa[nibble / 2] |= (byte) (nibble % 2 == 0 ? digit << 4 : digit);
        nibble++;
      }
    }
    return naa;
  }

  static byte[] blockLimits() {
    var body = ByteBuffer.allocate(0x3C);
    body.put(0, (byte) 1); // WSNZ: WRITE SAME of no blocks is refused
    body.put(1, (byte) Limits.COMPARE_AND_WRITE_BLOCKS);
    body.putInt(16, Limits.UNMAP_BLOCKS);
    body.putInt(20, Limits.UNMAP_DESCRIPTORS);
    body.put(28, (byte) 0x80); // UGAVALID: the granularity's alignment is 0
    body.putLong(32, Limits.WRITE_SAME_BLOCKS);
    return page(BLOCK_LIMITS, body.array());
  }

  static byte[] blockDeviceCharacteristics() {
    return page(BLOCK_DEVICE_CHARACTERISTICS, new byte[0x3C]);
  }

  static byte[] logicalBlockProvisioning() {
    // LBPU, LBPWS, LBPWS10, LBPRZ: UNMAP and WRITE SAME deallocate, and zeros are read then.
    return page(LOGICAL_BLOCK_PROVISIONING, new byte[] {0, (byte) 0xE4, 0, 0});
  }

  private static byte[] page(int code, byte[] body) {
    var out = ByteBuffer.allocate(HEADER + body.length);
    out.put((byte) 0).put((byte) code).putShort((short) body.length).put(body);
    return out.array();
  }

  private static byte[] serial(Identity identity, int most) throws Refusal {
    try {
      return bytes(identity.serial().read(), most);
    } catch (IOException _) {
      throw new Refusal(Sense.INTERNAL_FAILURE);
    }
  }

  private static byte[] bytes(String text, int most) {
    byte[] all = text.getBytes(StandardCharsets.UTF_8);
    return all.length <= most ? all : Arrays.copyOf(all, most);
  }
}
