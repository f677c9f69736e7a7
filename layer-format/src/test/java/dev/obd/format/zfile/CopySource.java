package dev.obd.format.zfile;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** A cache as ZFile sees one: it notes what is asked, and its copy can be wrong until evicted. */
final class CopySource implements BlockSource {
  private final byte[] original;
  private final byte[] copy;
  private final long size;
  final List<Range> reads = new ArrayList<>();
  final List<Range> evictions = new ArrayList<>();
  boolean closed;

  /** How many evictions it takes until the original is asked; -1: there is no original. */
  int evictionsUntilGood = -1;

  CopySource(byte[] content) {
    this(content, content.length);
  }

  /** {@code size} bytes, of which those after {@code content} are 0. */
  CopySource(byte[] content, long size) {
    this.original = content.clone();
    this.copy = content;
    this.size = size;
  }

  /** The cached copy, to be damaged. */
  byte[] copy() {
    return copy;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    reads.add(new Range(offset, dst.remaining()));
    while (dst.hasRemaining()) {
      dst.put(offset < copy.length ? copy[(int) offset] : 0);
      offset++;
    }
  }

  @Override
  public String name() {
    return "copy";
  }

  @Override
  public boolean evict(long offset, long length) {
    evictions.add(new Range(offset, length));
    if (evictionsUntilGood < 0) {
      return false;
    }
    if (--evictionsUntilGood <= 0) {
      evictionsUntilGood = 0;
      System.arraycopy(original, (int) offset, copy, (int) offset, (int) length);
    }
    return true;
  }

  @Override
  public void close() {
    closed = true;
  }
}
