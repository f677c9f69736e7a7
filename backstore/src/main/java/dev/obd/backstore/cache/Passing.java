package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.Range;
import dev.obd.registry.Digest;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;

/** What a reader who keeps nothing shows the filler: one range, whose bytes pass through memory. */
final class Passing implements FillTarget {
  private final Digest digest;
  private final long size;
  private final Draft draft;

  Passing(Digest digest, long size, Range range) {
    this.digest = digest;
    this.size = size;
    this.draft = new Draft(range);
  }

  @Override
  public Digest digest() {
    return digest;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void write(long offset, ByteBuffer bytes) throws IOException {
    check(offset, bytes.remaining());
    draft.put(offset, bytes, false);
    bytes.position(bytes.limit());
  }

  @Override
  public void copy(Range range, BlockSource from) throws IOException {
    check(range.offset(), range.length());
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(range.length()));
    from.read(range.offset(), bytes);
    if (bytes.hasRemaining()) {
      throw new IOException(
          from.name() + ": the origin left " + bytes.remaining() + " bytes unread");
    }
    draft.put(range.offset(), bytes.flip(), true);
  }

  private void check(long offset, long length) throws IOException {
    if (offset < 0 || offset > size - length) {
      throw new EOFException(digest + ": " + length + " bytes at " + offset + " of " + size);
    }
  }

  /** All of the range. */
  ByteBuffer bytes() throws IOException {
    if (!draft.isWhole()) {
      throw new IOException(digest + ": the filler was done without bringing the bytes");
    }
    return draft.slice(draft.range());
  }
}
