package dev.obd.backstore.nbd;

import dev.obd.backstore.device.Request;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** A request whose good reply is a simple one without payload. */
final class PlainOperation extends Operation {
  private final Request request;
  private final @Nullable ByteBuf payload;

  /**
   * @param payload what {@code request} points into; released when the device is done
   */
  PlainOperation(
      TransmissionHandler connection,
      RequestHeader header,
      Request request,
      @Nullable ByteBuf payload) {
    super(connection, header);
    this.request = request;
    this.payload = payload;
  }

  @Override
  void start(NbdExport export) {
    export.submit(request, this);
  }

  @Override
  ByteBuf reply() {
    return Replies.simple(connection.alloc(), header.cookie(), NbdError.NONE);
  }

  @Override
  void release() {
    if (payload != null) {
      payload.release();
    }
  }
}
