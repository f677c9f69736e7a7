package dev.obd.fuse;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Memory for one answer: its header directly before its payload, so that both leave with one {@code
 * write(2)}. The payload begins at a multiple of 4096. Used by one thread at a time.
 *
 * <pre>
 * offset bytes field, struct fuse_out_header, machine's byte order
 *      0     4 length of the whole answer
 *      4     4 0, or the negative error number
 *      8     8 unique of the request
 * </pre>
 */
final class ReplyBuffer {
  /** Payload bytes that suffice for every answer but a READ's. */
  static final int SMALL = 256;

  private static final int HEADER_BYTES = 16;
  private static final int PAYLOAD_AT = 4096;

  private final ByteBuffer whole;
  private final ByteBuffer payload;

  ReplyBuffer(int payloadCapacity) {
    int pages = (payloadCapacity + PAYLOAD_AT - 1) / PAYLOAD_AT + 1;
    ByteBuffer memory = ByteBuffer.allocateDirect((pages + 1) * PAYLOAD_AT); // 1 to align
    ByteOrder order = ByteOrder.nativeOrder();
    whole =
        memory.alignedSlice(PAYLOAD_AT).limit(PAYLOAD_AT + payloadCapacity).slice().order(order);
    payload = whole.slice(PAYLOAD_AT, payloadCapacity).order(order);
  }

  /** The payload: the same buffer each time, cleared. */
  ByteBuffer payload() {
    return payload.clear();
  }

  /** The answer to {@code unique}: the payload up to its position if {@code errno} is 0. */
  ByteBuffer answer(long unique, int errno) {
    int payloadBytes = errno == 0 ? payload.position() : 0;
    int start = PAYLOAD_AT - HEADER_BYTES;
    whole.putInt(start, HEADER_BYTES + payloadBytes);
    whole.putInt(start + 4, -errno);
    whole.putLong(start + 8, unique);
    return whole.limit(PAYLOAD_AT + payloadBytes).position(start);
  }
}
