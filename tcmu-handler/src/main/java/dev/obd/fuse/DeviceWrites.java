package dev.obd.fuse;

import dev.obd.backstore.device.ChangeGate;
import dev.obd.backstore.device.Completion;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import dev.obd.nativeio.Errno;
import java.nio.ByteBuffer;

/** WRITE and FALLOCATE: whole sectors go to the device without waiting for it. */
final class DeviceWrites {
  private static final int KEEP_SIZE = 1;
  private static final int PUNCH_HOLE = 2;
  private static final int ZERO_RANGE = 0x10;

  private final DeviceCalls device;
  private final ChangeGate gate = new ChangeGate();
  private final DiskChanges changes;
  private final ReplyBuffers buffers = new ReplyBuffers();

  DeviceWrites(DeviceCalls device) {
    this.device = device;
    this.changes = new DiskChanges(device, gate);
  }

  /**
   * Answers now or later, on another thread. Waits while all buffers hold data on the way to the
   * device; takes a copy of the payload, which belongs to the caller again afterwards.
   *
   * @param mayStay the caller's thread may also wait for the device
   */
  void write(Operation.Write write, Answer answer, ReplyBuffer small, boolean mayStay) {
    if (!device.writable()) {
      answer.send(small, Errno.EROFS.number());
      return;
    }
    long left = device.size() - write.offset();
    if (write.offset() < 0 || left <= 0) {
      answer.send(small, Errno.ENOSPC.number()); // as a block device does
      return;
    }
    int bytes = (int) Math.min(write.payload().remaining(), left);
    ReplyBuffer buffer = buffers.take(bytes);
    if (buffer == null) {
      answer.send(small, Errno.EIO.number());
      return;
    }
    ByteBuffer data = buffer.payload().put(write.payload().limit(bytes)).flip();
    if (DiskChanges.wholeSectors(write.offset(), bytes) && gate.tryEnter()) {
      submit(write.offset(), data, buffer, answer, mayStay);
    } else {
      device.later(() -> finish(changes.write(write.offset(), data), bytes, buffer, answer));
    }
  }

  private void submit(
      long offset, ByteBuffer data, ReplyBuffer buffer, Answer answer, boolean mayStay) {
    int bytes = data.remaining();
    var request = new Request.Write(offset, data, false);
    Completion finish =
        status -> {
          gate.leave();
          finish(status, bytes, buffer, answer);
        };
    device.submit(request, finish, mayStay);
  }

  private void finish(Status status, int bytes, ReplyBuffer buffer, Answer answer) {
    buffer.payload().putInt(bytes).putInt(0);
    answer.send(buffer, Errnos.of(status));
    buffers.giveBack(buffer, bytes);
  }

  /**
   * Punches a hole or zeroes a range. Waits for the device.
   *
   * @return 0 or the positive error number
   */
  int allocate(Operation.Fallocate request) {
    int mode = request.mode() & ~KEEP_SIZE;
    boolean punch = mode == PUNCH_HOLE && mode != request.mode();
    if (!punch && mode != ZERO_RANGE) {
      return Errno.EOPNOTSUPP.number(); // nothing can be set aside: space is found at the write
    }
    if (!device.writable()) {
      return Errno.EROFS.number();
    }
    long offset = request.offset();
    long length = request.length();
    if (offset < 0 || length <= 0) {
      return Errno.EINVAL.number();
    }
    long inside = Math.min(length, device.size() - offset);
    if (inside < length && mode == request.mode()) {
      return Errno.ENOSPC.number(); // would have to grow
    }
    return inside <= 0 ? 0 : Errnos.of(changes.zero(offset, inside));
  }
}
