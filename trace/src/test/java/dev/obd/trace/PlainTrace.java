package dev.obd.trace;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The file format once more, written for the tests alone: byte by byte, CRC bit by bit. */
final class PlainTrace {
  private final ByteArrayOutputStream records = new ByteArrayOutputStream();
  private final SplittableRandom garbage;

  /** Fills all padding with garbage, as the original does. */
  PlainTrace(long seed) {
    garbage = new SplittableRandom(seed);
  }

  PlainTrace add(int op, long layer, long length, long offset) {
    records.write(op);
    padding(records, 3);
    number(records, layer, 4);
    number(records, length, 8);
    number(records, offset, 8);
    return this;
  }

  byte[] bytes() {
    var file = new ByteArrayOutputStream();
    number(file, 0xC2EF1820L, 4);
    padding(file, 4);
    number(file, records.size(), 8);
    number(file, crc(records.toByteArray(), 0), 4);
    padding(file, 4);
    file.writeBytes(records.toByteArray());
    return file.toByteArray();
  }

  private void padding(ByteArrayOutputStream out, int count) {
    number(out, garbage.nextLong(), count);
  }

  private static void number(ByteArrayOutputStream out, long value, int count) {
    for (int i = 0; i < count; i++) {
      out.write((int) (value >>> 8 * i));
    }
  }

  /** All records, whatever they say. */
  static List<Access> parse(byte[] file) {
    List<Access> accesses = new ArrayList<>();
    for (int at = 24; at < file.length; at += 24) {
      accesses.add(
          new Access(
              (int) number(file, at + 4, 4), number(file, at + 16, 8), number(file, at + 8, 8)));
    }
    return accesses;
  }

  static long number(byte[] bytes, int at, int count) {
    long value = 0;
    for (int i = count - 1; i >= 0; i--) {
      value = value << 8 | bytes[at + i] & 0xff;
    }
    return value;
  }

  /** Raw CRC-32C of {@code bytes} from {@code from}: reflected, starts at 0, not inverted. */
  static long crc(byte[] bytes, int from) {
    int crc = 0;
    for (int i = from; i < bytes.length; i++) {
      crc ^= bytes[i] & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = crc >>> 1 ^ ((crc & 1) == 0 ? 0 : 0x82F63B78);
      }
    }
    return crc & 0xffff_ffffL;
  }
}
