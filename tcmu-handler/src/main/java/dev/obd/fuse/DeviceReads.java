package dev.obd.fuse;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Completion;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import dev.obd.nativeio.Errno;
import java.util.concurrent.Executor;

/** READ: hands reads to the device and does not wait for them, so that many can be under way. */
final class DeviceReads {
  private final BlockDevice device;
  private final Executor waiting;
  private final ReplyBuffers buffers = new ReplyBuffers();

  /**
   * @param waiting runs each task on a thread of its own; tasks wait
   */
  DeviceReads(BlockDevice device, Executor waiting) {
    this.device = device;
    this.waiting = waiting;
  }

  /** Answers now or later, on another thread; does not wait. */
  void read(Operation.Read read, Answer answer, ReplyBuffer small) {
    int bytes = bytesOnDisk(read);
    if (bytes == 0) {
      answer.send(small, 0);
      return;
    }
    ReplyBuffer buffer = buffers.poll(bytes);
    if (buffer != null) {
      submit(read.offset(), bytes, buffer, answer);
      return;
    }
    waiting.execute(() -> {
      ReplyBuffer late = buffers.take(bytes);
      if (late == null) {
        answer.fail(Errno.EIO.number());
      } else {
        submit(read.offset(), bytes, late, answer);
      }
    });
  }

  /** What a file read returns: less at the end of the file, nothing behind it. */
  private int bytesOnDisk(Operation.Read read) {
    long left = device.size() - read.offset();
    return read.offset() < 0 || left <= 0 ? 0 : (int) Math.min(read.size(), left);
  }

  private void submit(long offset, int bytes, ReplyBuffer buffer, Answer answer) {
    var request = new Request.Read(offset, buffer.payload().limit(bytes));
    try {
      device.submit(request, new Reply(bytes, buffer, answer));
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
