package dev.obd.backstore.source;

import dev.obd.io.BlockSource;
import dev.obd.trace.AccessSink;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Tells a sink about each read of a layer that delivered its bytes. */
public final class TracedSource extends PassingSource {
  private final BlockSource next;
  private final int layer;
  private final AccessSink sink;

  /**
   * @param layer index into the image's layers, 0 = lowest
   */
  public TracedSource(BlockSource next, int layer, AccessSink sink) {
    this.next = next;
    this.layer = layer;
    this.sink = sink;
  }

  @Override
  public BlockSource base() {
    return next;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    int length = dst.remaining();
    next.read(offset, dst);
    sink.read(layer, offset, length);
  }
}
