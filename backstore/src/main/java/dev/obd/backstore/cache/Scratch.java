package dev.obd.backstore.cache;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

/**
 * One record of a map and room for the blocks it vouches for. Reused from read to read and blob to
 * blob, by one thread at a time.
 */
final class Scratch {
  private static final int UNIT_AT = MapFormat.BOUND_BYTES;
  private static final int RECORD_AT = UNIT_AT + 8;

  private final CRC32C crc32c = new CRC32C();
  private final CRC32 crc32 = new CRC32();
  private MapFormat format;
  private int checkAt;

  /** Header bytes, unit, CRCs, check: what the check covers lies in one piece before it. */
  private ByteBuffer message;

  private ByteBuffer record;
  private ByteBuffer data = ByteBuffer.allocateDirect(0);

  Scratch(MapFormat format) {
    this.format = format;
    checkAt = RECORD_AT + format.recordBytes() - 8;
    message = ByteBuffer.allocateDirect(checkAt + 8).order(ByteOrder.LITTLE_ENDIAN);
    message.put(0, format.header(), 0, MapFormat.BOUND_BYTES);
    record = message.slice(RECORD_AT, format.recordBytes());
  }

  /** Makes it one for records of {@code next}. */
  void use(MapFormat next) {
    if (next.equals(format)) {
      return;
    }
    if (next.unitBytes() != format.unitBytes()) {
      checkAt = RECORD_AT + next.recordBytes() - 8;
      message = ByteBuffer.allocateDirect(checkAt + 8).order(ByteOrder.LITTLE_ENDIAN);
      record = message.slice(RECORD_AT, next.recordBytes());
    }
    message.put(0, next.header(), 0, MapFormat.BOUND_BYTES);
    format = next;
  }

  /** Bytes of memory it holds. */
  int heldBytes() {
    return message.capacity() + data.capacity();
  }

  /** Where the record of a unit is read to or written from: all of it, from 0. */
  ByteBuffer record() {
    return record.clear();
  }

  /** True if the record is all of the record of {@code unit}, as it was sealed. */
  boolean holds(long unit) {
    long check = message.getLong(checkAt);
    return check != 0 && check == check(unit);
  }

  /** True if the record is only zeros where it matters: nobody wrote it, or somebody cleared it. */
  boolean isBlank() {
    return message.getLong(checkAt) == 0;
  }

  /** Makes the record that says what {@code unit} contains; {@code bytes} keeps its position. */
  ByteBuffer seal(long unit, ByteBuffer bytes) {
    for (int i = 0; i < format.blocksPerUnit(); i++) {
      int from = Math.min(i * MapFormat.BLOCK_BYTES, bytes.remaining());
      int length = Math.min(MapFormat.BLOCK_BYTES, bytes.remaining() - from);
      int crc = length == 0 ? 0 : crc(bytes.slice(bytes.position() + from, length));
      message.putInt(RECORD_AT + 4 * i, crc);
    }
    message.putLong(checkAt, check(unit));
    return record();
  }

  /** A record that says: absent. */
  ByteBuffer blank() {
    for (int i = RECORD_AT; i < message.capacity(); i += 4) {
      message.putInt(i, 0);
    }
    return record();
  }

  /**
   * True if all of {@code bytes} is what the record says; they start at block {@code firstBlock} of
   * the unit and end at a block's or the blob's end.
   */
  boolean vouchesFor(ByteBuffer bytes, int firstBlock) {
    int block = firstBlock;
    for (int from = 0; from < bytes.remaining(); from += MapFormat.BLOCK_BYTES) {
      int length = Math.min(MapFormat.BLOCK_BYTES, bytes.remaining() - from);
      if (crc(bytes.slice(bytes.position() + from, length))
          != message.getInt(RECORD_AT + 4 * block)) {
        return false;
      }
      block++;
    }
    return true;
  }

  /** Room for {@code length} bytes, at most a unit. */
  ByteBuffer data(int length) {
    if (data.capacity() < length) {
      data = ByteBuffer.allocateDirect(Math.max(length, 2 * MapFormat.BLOCK_BYTES));
    }
    return data.clear().limit(length);
  }

  private int crc(ByteBuffer bytes) {
    crc32c.reset();
    crc32c.update(bytes);
    return (int) crc32c.getValue();
  }

  private long check(long unit) {
    message.putLong(UNIT_AT, unit);
    crc32.reset();
    crc32.update(message.clear().limit(checkAt));
    long low = crc(message.clear().limit(checkAt)) & 0xffff_ffffL;
    message.clear();
    return crc32.getValue() << 32 | low;
  }
}
