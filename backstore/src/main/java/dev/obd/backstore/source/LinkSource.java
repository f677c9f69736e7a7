package dev.obd.backstore.source;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ByteReceiver;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A source at the far end of a {@link SimulatedLink}: each read is one request over it. */
public final class LinkSource extends PassingSource {
  private final BlockSource next;
  private final SimulatedLink link;

  public LinkSource(BlockSource next, SimulatedLink link) {
    this.next = next;
    this.link = link;
  }

  @Override
  public BlockSource base() {
    return next;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    if (dst.hasRemaining()) {
      link.pass(dst.remaining(), ReadContext.current().deadline());
      next.read(offset, dst);
    }
  }

  @Override
  public void stream(Range range, ByteReceiver receiver) throws IOException {
    BlockSources.checkRange(this, range.offset(), range.length());
    if (range.length() == 0) {
      return;
    }
    link.pass(
        range.length(),
        ReadContext.current().deadline(),
        (passed, length) -> {
          ByteBuffer bytes = ByteBuffer.allocate(length);
          next.read(range.offset() + passed, bytes);
          return receiver.take(bytes.flip());
        });
  }
}
