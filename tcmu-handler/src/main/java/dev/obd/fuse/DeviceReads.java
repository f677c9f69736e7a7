package dev.obd.fuse;

import dev.obd.backstore.device.Completion;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import dev.obd.nativeio.Errno;

/** READ: hands reads to the device and does not wait for them, so that many can be under way. */
final class DeviceReads {
  private final DeviceCalls device;
  private final ReplyBuffers buffers = new ReplyBuffers();

  DeviceReads(DeviceCalls device) {
    this.device = device;
  }

  /**
   * Answers now or later, on another thread.
   *
   * @param mayStay the caller's thread may wait for the device; else it does not
   */
  void read(Operation.Read read, Answer answer, ReplyBuffer small, boolean mayStay) {
    int bytes = bytesOnDisk(read);
    if (bytes == 0) {
      answer.send(small, 0);
      return;
    }
    ReplyBuffer buffer = buffers.poll(bytes);
    if (buffer != null) {
      submit(read.offset(), bytes, buffer, answer, mayStay);
      return;
    }
    device.later(() -> {
      ReplyBuffer late = buffers.take(bytes);
      if (late == null) {
        answer.fail(Errno.EIO.number());
      } else {
        submit(read.offset(), bytes, late, answer, true);
      }
    });
  }

  /** What a file read returns: less at the end of the file, nothing behind it. */
  private int bytesOnDisk(Operation.Read read) {
    long left = device.size() - read.offset();
    return read.offset() < 0 || left <= 0 ? 0 : (int) Math.min(read.size(), left);
  }

  private void submit(long offset, int bytes, ReplyBuffer buffer, Answer answer, boolean mayStay) {
    var request = new Request.Read(offset, buffer.payload().limit(bytes));
    try {
      var reply = new Reply(bytes, buffer, answer);
      device.submit(request, reply, mayStay);
    } catch (RuntimeException | Error e) {
      buffers.replace(bytes); // who knows where the device has left it
      answer.fail(Errno.EIO.number());
      throw e;
    }
  }

  private final class Reply implements Completion {
    private final int bytes;
    private final ReplyBuffer buffer;
    private final Answer answer;
    private volatile boolean overdue;

    Reply(int bytes, ReplyBuffer buffer, Answer answer) {
      this.bytes = bytes;
      this.buffer = buffer;
      this.answer = answer;
    }

    @Override
    public void done(Status status) {
      if (overdue) {
        return; // answered and replaced; the buffer goes with this object
      }
      buffer.payload().position(bytes);
      answer.send(buffer, Errnos.of(status));
      buffers.giveBack(buffer, bytes);
    }

    @Override
    public void overdue() {
      overdue = true;
      buffers.replace(bytes);
      answer.fail(Errnos.of(Status.TIMED_OUT));
    }
  }
}
