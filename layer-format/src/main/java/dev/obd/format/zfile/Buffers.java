package dev.obd.format.zfile;

import dev.obd.io.BlockSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Buffers for compressed bytes and for blocks that are wanted in part. Direct ones (files and
 * codecs fill them without a copy) up to a fixed number; when more are in use, since readers hold
 * them while they wait for the network, plain heap buffers that the garbage collector takes.
 */
final class Buffers {
  /** Holds any one block, compressed or not. */
  private static final Buffers BLOCK = new Buffers(80 << 10, 64);

  /** Holds the longest run of blocks read at once. */
  private static final Buffers RUN = new Buffers(1 << 20, 8);

  private final int bytes;
  private final int limit;
  private final Pool<ByteBuffer> idle;
  private final AtomicInteger direct = new AtomicInteger();

  private Buffers(int bytes, int limit) {
    this.bytes = bytes;
    this.limit = limit;
    this.idle = new Pool<>(limit);
  }

  /** Lends a buffer of {@code length} bytes, at most 1 MiB. */
  static Lease lease(int length) {
    return (length <= BLOCK.bytes ? BLOCK : RUN).lend(length);
  }

  private Lease lend(int length) {
    ByteBuffer buffer = idle.take();
    if (buffer == null) {
      buffer = create(length).order(ByteOrder.LITTLE_ENDIAN);
    }
    return new Lease(this, buffer.clear().limit(length));
  }

  private ByteBuffer create(int length) {
    if (direct.incrementAndGet() <= limit) {
      return ByteBuffer.allocateDirect(bytes);
    }
    direct.decrementAndGet();
    return ByteBuffer.allocate(length);
  }

  private void give(ByteBuffer buffer) {
    if (buffer.isDirect() && !idle.give(buffer)) {
      forget(buffer);
    }
  }

  private void forget(ByteBuffer buffer) {
    if (buffer.isDirect()) {
      direct.decrementAndGet();
    }
  }

  /** A little-endian buffer in use by one thread. Closing gives it back. */
  static final class Lease implements AutoCloseable {
    private final Buffers owner;
    private final ByteBuffer buffer;
    private boolean filling;

    private Lease(Buffers owner, ByteBuffer buffer) {
      this.owner = owner;
      this.buffer = buffer;
    }

    ByteBuffer buffer() {
      return buffer;
    }

    /** Reads {@code length} bytes of {@code source} into the buffer from {@code at}. */
    void fill(int at, int length, BlockSource source, long offset) throws IOException {
      buffer.limit(at + length).position(at);
      filling = true;
      source.read(offset, buffer);
      filling = false;
    }

    @Override
    public void close() {
      if (filling) { // a source that gave up waiting may still write to it
        owner.forget(buffer);
      } else {
        owner.give(buffer);
      }
    }
  }
}
