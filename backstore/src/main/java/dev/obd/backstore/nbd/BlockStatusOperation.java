package dev.obd.backstore.nbd;

import dev.obd.backstore.device.Extent;
import dev.obd.backstore.device.Request;
import dev.obd.io.ExtentMap;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;

/** Answers with the extents of base:allocation. */
final class BlockStatusOperation extends Operation {
  /** Extents per reply; a client asks on from where the reply ends. */
  private static final int MAX_EXTENTS = 4096;

  private static final int EXTENT_BYTES = 8;

  private final List<Extent> extents = new ArrayList<>();

  BlockStatusOperation(TransmissionHandler connection, RequestHeader header) {
    super(connection, header);
  }

  @Override
  void start(NbdExport export) {
    int limit = header.has(Protocol.CMD_FLAG_REQ_ONE) ? 1 : MAX_EXTENTS;
    export.submit(new Request.Extents(header.offset(), header.length(), limit, extents), this);
  }

  @Override
  ByteBuf reply() {
    int length = 4 + EXTENT_BYTES * extents.size();
    ByteBuf out = connection.alloc().directBuffer(Protocol.CHUNK_HEADER_BYTES + length);
    Replies.chunkHeader(out, header.cookie(), Protocol.CHUNK_BLOCK_STATUS, true, length);
    out.writeInt(Protocol.BASE_ALLOCATION_ID);
    for (Extent extent : extents) {
      out.writeInt((int) extent.length()); // inside the request's unsigned 32 bits
      out.writeInt(flags(extent.kind()));
    }
    return out;
  }

  private static int flags(ExtentMap.Kind kind) {
    return switch (kind) {
      case DATA -> 0;
      case ZERO -> Protocol.STATE_ZERO;
      case HOLE -> Protocol.STATE_HOLE | Protocol.STATE_ZERO;
    };
  }
}
