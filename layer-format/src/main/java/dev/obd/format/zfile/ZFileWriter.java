package dev.obd.format.zfile;

import dev.obd.format.crc.RawCrc32c;
import dev.obd.io.ByteSink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Compresses what is written into a ZFile. With several workers, groups of blocks are compressed
 * ahead of the write position; at most twice as many groups as workers (about half a MiB each) are
 * in memory, plus 4 bytes a block for the jump table. Not thread-safe.
 *
 * <p>Content cannot be patched: {@link #patch} throws {@link IllegalStateException}.
 */
public final class ZFileWriter implements ByteSink {
  private static final long HEADER_FLAGS =
      ZFileHeader.FLAG_HEADER | ZFileHeader.FLAG_DATA | ZFileHeader.FLAG_DIGEST;
  private static final long TRAILER_FLAGS =
      ZFileHeader.FLAG_DATA | ZFileHeader.FLAG_SEALED | ZFileHeader.FLAG_DIGEST;

  private final ByteSink target;
  private final ZFileWriterOptions options;
  private final long start;
  private final int maxGroups;
  private final Deque<BlockGroup> running = new ArrayDeque<>();
  private final Deque<BlockGroup> idle = new ArrayDeque<>();
  private final List<ByteBuffer> lengths = new ArrayList<>();
  private BlockGroup filling;
  private long position;
  private long blocks;

  /** False once finished, and after a failure: the groups' state is unknown then. */
  private boolean usable = true;

  private ZFileWriter(ByteSink target, ZFileWriterOptions options) {
    this.target = target;
    this.options = options;
    this.start = target.position();
    this.maxGroups = options.workers() == 1 ? 1 : 2 * options.workers();
    this.filling = new BlockGroup(options);
  }

  /**
   * Starts a ZFile at {@code target}'s position, which is offset 0 of the ZFile. Finishing or
   * closing the writer finishes or closes the target.
   *
   * @throws IllegalArgumentException if the header is to be overwritten and the target cannot patch
   */
  public static ZFileWriter open(ByteSink target, ZFileWriterOptions options) throws IOException {
    if (options.overwriteHeader() && !target.patchable()) {
      throw new IllegalArgumentException(
          "the header cannot be overwritten: this target takes bytes in order only");
    }
    var writer = new ZFileWriter(target, options);
    target.write(writer.record(0, 0, 0, 0).withFlags(HEADER_FLAGS).encode());
    return writer;
  }

  private ZFileHeader record(long indexOffset, long indexCount, long originalBytes, int indexCrc) {
    return new ZFileHeader(
        0,
        0,
        indexOffset,
        indexCount,
        originalBytes,
        indexCrc,
        options.blockBytes(),
        options.algorithm().code(),
        0,
        options.verify());
  }

  /** Uncompressed bytes written so far. */
  @Override
  public long position() {
    return position;
  }

  @Override
  public void write(ByteBuffer src) throws IOException {
    checkUsable();
    long end = position + src.remaining();
    if (end > JumpTable.MAX_BLOCKS * options.blockBytes()) {
      throw new IOException(
          "a ZFile holds at most "
              + JumpTable.MAX_BLOCKS
              + " blocks of "
              + options.blockBytes()
              + " bytes");
    }
    usable = false;
    while (src.hasRemaining()) {
      filling.fill(src);
      if (filling.isFull()) {
        compressFilled();
      }
    }
    position = end;
    usable = true;
  }

  private void compressFilled() throws IOException {
    BlockGroup full = filling;
    running.add(full);
    if (options.workers() > 1) {
      full.compressOn(options.executor());
    }
    if (running.size() == maxGroups) {
      writeOldest();
    }
    BlockGroup reused = idle.poll();
    filling = reused == null ? new BlockGroup(options) : reused;
  }

  private void writeOldest() throws IOException {
    BlockGroup group = running.remove();
    group.await();
    target.write(group.output());
    ByteBuffer stored = group.lengths();
    blocks += stored.remaining() / Integer.BYTES;
    lengths.add(ByteBuffer.allocate(stored.remaining()).put(stored).flip());
    group.clear();
    idle.add(group);
  }

  @Override
  public boolean patchable() {
    return false;
  }

  @Override
  public void patch(long offset, ByteBuffer src) {
    throw new IllegalStateException("compressed content cannot be patched");
  }

  @Override
  public void finish() throws IOException {
    checkUsable();
    usable = false;
    if (!filling.isEmpty()) {
      compressFilled();
    }
    while (!running.isEmpty()) {
      writeOldest();
    }
    long indexOffset = target.position() - start;
    int crc = 0;
    for (ByteBuffer some : lengths) {
      crc = RawCrc32c.of(crc, some);
      target.write(some);
    }
    ZFileHeader record = record(indexOffset, blocks, position, crc);
    target.write(record.withFlags(TRAILER_FLAGS).encode());
    if (options.overwriteHeader()) {
      long flags = HEADER_FLAGS | ZFileHeader.FLAG_OVERWRITTEN;
      target.patch(start, record.withFlags(flags).encode());
    }
    target.finish();
  }

  private void checkUsable() {
    if (!usable) {
      throw new IllegalStateException("this ZFile is finished, or could not be written");
    }
  }

  @Override
  public void close() throws IOException {
    running.forEach(BlockGroup::cancel);
    target.close();
  }
}
