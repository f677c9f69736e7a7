package dev.obd.fuse;

import dev.obd.backstore.device.Extent;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import dev.obd.io.ExtentMap;
import dev.obd.nativeio.Errno;
import java.nio.ByteBuffer;
import java.util.ArrayList;

/** {@code lseek(2)} to data and holes, so that copies of the file can be sparse. */
final class DiskSeeks {
  static final int SEEK_DATA = 3;
  static final int SEEK_HOLE = 4;

  private static final int EXTENTS_AT_ONCE = 64;

  private final DeviceCalls device;

  DiskSeeks(DeviceCalls device) {
    this.device = device;
  }

  /**
   * Puts the found offset in {@code reply}. Waits for the device.
   *
   * @return 0 or the positive error number
   */
  int seek(long offset, int whence, ByteBuffer reply) {
    if (whence != SEEK_DATA && whence != SEEK_HOLE) {
      return Errno.EINVAL.number();
    }
    long size = device.size();
    if (offset < 0 || offset >= size) {
      return Errno.ENXIO.number();
    }
    boolean data = whence == SEEK_DATA;
    long at = offset;
    while (at < size) {
      var extents = new ArrayList<Extent>();
      Status status = device.serve(new Request.Extents(at, size - at, EXTENTS_AT_ONCE, extents));
      if (status != Status.OK) {
        return Errnos.of(status);
      }
      for (Extent extent : extents) {
        if ((extent.kind() == ExtentMap.Kind.DATA) == data) {
          reply.putLong(extent.offset());
          return 0;
        }
        at = extent.end();
      }
    }
    if (data) {
      return Errno.ENXIO.number(); // nothing but holes up to the end
    }
    reply.putLong(size); // the end of a file counts as a hole
    return 0;
  }
}
