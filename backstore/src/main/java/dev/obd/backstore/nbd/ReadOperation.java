package dev.obd.backstore.nbd;

import dev.obd.backstore.device.Completion;
import dev.obd.backstore.device.Extent;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import dev.obd.io.ExtentMap;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Reads straight into the reply: one buffer holds all headers, and the device fills the gaps. With
 * structured replies, long reads leave out their holes.
 */
final class ReadOperation extends Operation {
  /** Shorter reads are not worth a look at the map. */
  private static final int SPARSE_MIN = 64 << 10;

  /** Zeros shorter than this travel as data: a chunk costs 32 bytes and a system call's share. */
  private static final int HOLE_MIN = 4096;

  private static final int MAX_CHUNKS = 64;

  private final boolean structured;
  private final AtomicInteger outstanding = new AtomicInteger();
  private @Nullable ByteBuf buffer;
  private Status worst = Status.OK;

  ReadOperation(TransmissionHandler connection, RequestHeader header, boolean structured) {
    super(connection, header);
    this.structured = structured;
  }

  @Override
  void start(NbdExport export) {
    var whole = new Extent(header.offset(), header.length(), ExtentMap.Kind.DATA);
    if (structured && header.length() >= SPARSE_MIN && !header.has(Protocol.CMD_FLAG_DF)) {
      lookForHoles(export);
    } else {
      read(export, List.of(whole));
    }
  }

  private void lookForHoles(NbdExport export) {
    var found = new ArrayList<Extent>();
    var request = new Request.Extents(header.offset(), header.length(), MAX_CHUNKS - 1, found);
    export.submit(
        request,
        new Completion() {
          @Override
          public void done(Status status) {
            connection.onLoop(
                () -> {
                  if (status != Status.OK) {
                    answer(status);
                  } else if (!isAnswered()) {
                    read(export, chunks(found));
                  }
                },
                () -> {});
          }

          @Override
          public void overdue() {
            ReadOperation.this.overdue();
          }
        });
  }

  /** What the reply's chunks cover: the whole range, small holes taken as data. */
  private List<Extent> chunks(List<Extent> found) {
    var chunks = new ArrayList<Extent>();
    long end = header.offset() + header.length();
    long at = header.offset();
    for (Extent extent : found) {
      boolean hole = extent.kind() != ExtentMap.Kind.DATA && extent.length() >= HOLE_MIN;
      append(chunks, at, extent.end(), hole ? ExtentMap.Kind.HOLE : ExtentMap.Kind.DATA);
      at = extent.end();
    }
    if (at < end) { // the map said no more
      append(chunks, at, end, ExtentMap.Kind.DATA);
    }
    return chunks;
  }

  private static void append(List<Extent> chunks, long from, long to, ExtentMap.Kind kind) {
    if (!chunks.isEmpty() && chunks.getLast().kind() == kind) {
      from = chunks.removeLast().offset();
    }
    chunks.add(new Extent(from, to - from, kind));
  }

  private void read(NbdExport export, List<Extent> chunks) {
    ByteBuf out;
    try {
      out = connection.alloc().directBuffer(replyBytes(chunks));
    } catch (OutOfMemoryError _) {
      fail(NbdError.ENOMEM, "no memory for the reply");
      return;
    }
    buffer = out;
    List<Request.Read> reads = layOut(out, chunks);
    // One more than there are reads, so that those that end at once do not end all.
    outstanding.set(reads.size() + 1);
    for (Request.Read read : reads) {
      export.submit(read, new Part());
    }
    partEnded(Status.OK);
  }

  private int replyBytes(List<Extent> chunks) {
    if (!structured) {
      return Protocol.SIMPLE_REPLY_BYTES + (int) header.length();
    }
    int bytes = 0;
    for (Extent chunk : chunks) {
      bytes +=
          chunk.kind() == ExtentMap.Kind.DATA
              ? Replies.OFFSET_DATA_BYTES + (int) chunk.length()
              : Replies.OFFSET_HOLE_BYTES;
    }
    return bytes;
  }

  private List<Request.Read> layOut(ByteBuf out, List<Extent> chunks) {
    var reads = new ArrayList<Request.Read>();
    for (Extent chunk : chunks) {
      boolean last = chunk.equals(chunks.getLast());
      int length = (int) chunk.length();
      if (chunk.kind() != ExtentMap.Kind.DATA) {
        Replies.offsetHole(out, header.cookie(), last, chunk.offset(), length);
        continue;
      }
      if (structured) {
        Replies.offsetData(out, header.cookie(), last, chunk.offset(), length);
      } else {
        Replies.simpleHeader(out, header.cookie(), NbdError.NONE);
      }
      ByteBuffer into = out.nioBuffer(out.writerIndex(), length);
      out.writerIndex(out.writerIndex() + length);
      reads.add(new Request.Read(chunk.offset(), into));
    }
    return reads;
  }

  private void partEnded(Status status) {
    if (worst == Status.OK) {
      worst = status;
    }
    if (outstanding.decrementAndGet() == 0) {
      answer(worst);
      release();
    }
  }

  @Override
  ByteBuf reply() {
    return Objects.requireNonNull(buffer).retain();
  }

  @Override
  void release() {
    Objects.requireNonNull(buffer).release();
  }

  /** The read of one data chunk. */
  private final class Part implements Completion {
    @Override
    public void done(Status status) {
      connection.onLoop(
          () -> partEnded(status),
          () -> {
            if (outstanding.decrementAndGet() == 0) {
              release();
            }
          });
    }

    @Override
    public void overdue() {
      ReadOperation.this.overdue();
    }
  }
}
