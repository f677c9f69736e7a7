package dev.obd.fuse;

import dev.obd.backstore.device.ChangeGate;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import java.nio.ByteBuffer;

/**
 * Changes at any byte of a device that takes whole sectors: a file has no sectors, and tools write
 * to it as they like. Waits for the device. Thread-safe.
 */
final class DiskChanges {
  static final int SECTOR = 512;

  private final DeviceCalls device;
  private final ChangeGate gate;

  DiskChanges(DeviceCalls device, ChangeGate gate) {
    this.device = device;
    this.gate = gate;
  }

  static boolean wholeSectors(long offset, long length) {
    return ((offset | length) & (SECTOR - 1)) == 0;
  }

  /** Writes {@code from}; the range is inside the disk. */
  Status write(long offset, ByteBuffer from) {
    if (wholeSectors(offset, from.remaining())) {
      return together(new Request.Write(offset, from, false));
    }
    gate.enterAlone();
    try {
      return rewrite(offset, from);
    } finally {
      gate.leaveAlone();
    }
  }

  /** Zeroes the range, which is inside the disk; whole sectors of it are given back. */
  Status zero(long offset, long length) {
    long first = up(offset);
    long last = down(offset + length);
    if (first >= last) { // no whole sector
      return write(offset, ByteBuffer.allocate((int) length));
    }
    Status status = together(new Request.Discard(first, last - first, false));
    if (status == Status.OK && first > offset) {
      status = write(offset, ByteBuffer.allocate((int) (first - offset)));
    }
    if (status == Status.OK && last < offset + length) {
      status = write(last, ByteBuffer.allocate((int) (offset + length - last)));
    }
    return status;
  }

  private Status together(Request change) {
    gate.enter();
    try {
      return device.serve(change);
    } finally {
      gate.leave();
    }
  }

  private Status rewrite(long offset, ByteBuffer from) {
    long start = down(offset);
    long end = up(offset + from.remaining());
    ByteBuffer sectors = ByteBuffer.allocate((int) (end - start));
    Status status = read(sectors, start, start);
    if (status == Status.OK && end - start > SECTOR) {
      status = read(sectors, start, end - SECTOR);
    }
    if (status != Status.OK) {
      return status;
    }
    sectors.position((int) (offset - start)).put(from).clear();
    return device.serve(new Request.Write(start, sectors, false));
  }

  /** Reads the sector at {@code offset} to its place in {@code sectors}, which begins at start. */
  private Status read(ByteBuffer sectors, long start, long offset) {
    return device.serve(new Request.Read(offset, sectors.slice((int) (offset - start), SECTOR)));
  }

  private static long down(long offset) {
    return offset & -SECTOR;
  }

  private static long up(long offset) {
    return down(offset + SECTOR - 1);
  }
}
