package dev.obd.format;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ByteSink;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** A sink in memory; patchable like a file, or not, like an upload. */
public final class MemorySink implements ByteSink {
  private final boolean patchable;
  private byte[] bytes = new byte[1024];
  private int position;
  private boolean finished;
  private boolean closed;

  private MemorySink(boolean patchable) {
    this.patchable = patchable;
  }

  public static MemorySink likeAFile() {
    return new MemorySink(true);
  }

  public static MemorySink likeAnUpload() {
    return new MemorySink(false);
  }

  @Override
  public long position() {
    return position;
  }

  @Override
  public void write(ByteBuffer src) {
    int n = src.remaining();
    if (n > bytes.length - position) {
      bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, position + n));
    }
    src.get(bytes, position, n);
    position += n;
  }

  @Override
  public boolean patchable() {
    return patchable;
  }

  @Override
  public void patch(long offset, ByteBuffer src) {
    if (!patchable) {
      throw new IllegalStateException("not patchable");
    }
    if (offset < 0 || offset > position - src.remaining()) {
      throw new IllegalArgumentException("patch at " + offset);
    }
    src.get(bytes, (int) offset, src.remaining());
  }

  @Override
  public void finish() {
    finished = true;
  }

  @Override
  public void close() {
    closed = true;
  }

  public boolean finished() {
    return finished;
  }

  public boolean closed() {
    return closed;
  }

  /** What was written so far. */
  public byte[] bytes() {
    return Arrays.copyOf(bytes, position);
  }

  /** What was written so far, as a source. */
  public BlockSource source() {
    return BlockSources.ofBytes("memory", ByteBuffer.wrap(bytes()));
  }
}
