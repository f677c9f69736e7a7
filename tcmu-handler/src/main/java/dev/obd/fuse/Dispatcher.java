package dev.obd.fuse;

import dev.obd.backstore.device.Request;
import dev.obd.nativeio.Errno;
import java.nio.ByteBuffer;
import java.util.concurrent.Phaser;
import java.util.function.ToIntFunction;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** Gives each request to whoever answers it. Every request is answered, whatever happens. */
final class Dispatcher {
  private static final Logger log = LogManager.getLogger(Dispatcher.class);

  private final DeviceCalls device;
  private final OneFile file;
  private final Phaser inFlight;
  private final DeviceReads reads;
  private final DeviceWrites writes;
  private final DiskSeeks seeks;

  /**
   * @param inFlight every unanswered request is a party of it
   */
  Dispatcher(DeviceCalls device, OneFile file, Phaser inFlight) {
    this.device = device;
    this.file = file;
    this.inFlight = inFlight;
    this.reads = new DeviceReads(device);
    this.writes = new DeviceWrites(device);
    this.seeks = new DiskSeeks(device);
  }

  /**
   * Answers the request in {@code bytes} now, or sees to it that somebody does.
   *
   * @param bytes the caller's again when this returns
   * @param small the caller's, for a short answer that is sent before this returns
   * @param mayStay this may wait for a read or write of the device
   */
  void dispatch(Channel channel, ByteBuffer bytes, ReplyBuffer small, boolean mayStay) {
    RequestHeader header = RequestHeader.of(bytes);
    Operation operation = OperationDecoder.decode(header, bytes);
    if (operation instanceof Operation.Silent) {
      return;
    }
    var answer = new Answer(channel, header.unique(), inFlight);
    small.payload(); // empty, for whoever answers without one
    try {
      start(operation, answer, small, mayStay);
    } catch (RuntimeException | Error e) {
      failed(operation, e, answer);
    }
  }

  private void start(Operation operation, Answer answer, ReplyBuffer small, boolean mayStay) {
    switch (operation) {
      case Operation.Read read -> reads.read(read, answer, small, mayStay);
      case Operation.Write write -> writes.write(write, answer, small, mayStay);
      // A close of a reader has nothing to make durable.
      case Operation.Flush(long handle) when handle != OneFile.WRITER -> answer.send(small, 0);
      case Operation.Flush _, Operation.Fsync _ ->
          later(operation, answer, _ -> Errnos.of(device.serve(new Request.Flush())));
      case Operation.Fallocate change -> later(operation, answer, _ -> writes.allocate(change));
      case Operation.Seek(long offset, int whence) ->
          later(operation, answer, reply -> seeks.seek(offset, whence, reply));
      default -> {
        if (operation instanceof Operation.Invalid(String why)) {
          log.warn("fuse.request.invalid why={}", why);
        }
        int errno = file.answer(operation, small.payload());
        answer.send(small, errno);
      }
    }
  }

  private void later(Operation operation, Answer answer, ToIntFunction<ByteBuffer> work) {
    device.later(() -> {
      try {
        var buffer = new ReplyBuffer(ReplyBuffer.SMALL);
        int errno = work.applyAsInt(buffer.payload());
        answer.send(buffer, errno);
      } catch (RuntimeException | Error e) {
        failed(operation, e, answer);
      }
    });
  }

  private static void failed(Operation operation, Throwable e, Answer answer) {
    answer.fail(Errno.EIO.number());
    log.error("fuse.request.failed request={}", operation, e);
  }
}
