package dev.obd.ublk;

import dev.obd.backstore.device.Request;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * {@code struct ublksrv_io_desc}: one request, read once from memory that the kernel writes.
 *
 * <pre>
 * offset bytes field
 *  0     4     operation in the low 8 bits, flags above
 *  4     4     sectors
 *  8     8     first sector
 * 16     8     address of the buffer, as we gave it
 * </pre>
 */
record Descriptor(int operationAndFlags, int sectors, long firstSector) {
  static final int BYTES = 24;

  private static final int SECTORS_AT = 4;
  private static final int FIRST_SECTOR_AT = 8;

  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int FLUSH = 2;
  private static final int DISCARD = 3;
  private static final int WRITE_ZEROES = 5;
  private static final int OPERATION_MASK = 0xff;
  private static final int FUA = 1 << 13;
  private static final int NO_UNMAP = 1 << 15;

  /** The one at {@code offset} of {@code in}. */
  static Descriptor read(ByteBuffer in, int offset) {
    return new Descriptor(
        in.getInt(offset), in.getInt(offset + SECTORS_AT), in.getLong(offset + FIRST_SECTOR_AT));
  }

  /**
   * As the device understands it; its range may leave the disk. Empty for what we did not say we
   * can do: an unknown operation, more data than {@code buffer} holds, a sector beyond any disk.
   */
  Optional<Request> request(ByteBuffer buffer) {
    if ((operationAndFlags & OPERATION_MASK) == FLUSH) {
      return Optional.of(new Request.Flush()); // its sectors mean nothing
    }
    long length = Integer.toUnsignedLong(sectors) * Parameters.SECTOR;
    if (firstSector < 0 || firstSector > Long.MAX_VALUE / Parameters.SECTOR) {
      return Optional.empty();
    }
    long offset = firstSector * Parameters.SECTOR;
    boolean fua = (operationAndFlags & FUA) != 0;
    return switch (operationAndFlags & OPERATION_MASK) {
      case READ -> part(buffer, length).map(data -> new Request.Read(offset, data));
      case WRITE -> part(buffer, length).map(data -> new Request.Write(offset, data, fua));
      case DISCARD -> Optional.of(new Request.Discard(offset, length, fua));
      case WRITE_ZEROES ->
          Optional.of(
              new Request.WriteZeroes(offset, length, (operationAndFlags & NO_UNMAP) == 0, fua));
      default -> Optional.empty();
    };
  }

  private static Optional<ByteBuffer> part(ByteBuffer buffer, long length) {
    return length <= buffer.capacity()
        ? Optional.of(buffer.slice(0, (int) length))
        : Optional.empty();
  }

  /** Bytes of data that a good answer has moved; nothing is expected but for reads and writes. */
  int moved() {
    int operation = operationAndFlags & OPERATION_MASK;
    return operation == READ || operation == WRITE ? sectors * Parameters.SECTOR : 0;
  }
}
