package dev.obd.format.lsmt;

import dev.obd.io.BlockSource;
import dev.obd.io.ByteSink;
import dev.obd.io.ExtentMap.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Writes committed files: header, data in disk order without gaps, index, trailer. */
final class CompactWriter {
  private static final int COPY_BYTES = 1 << 20;

  private CompactWriter() {}

  /**
   * @param live what to write
   * @param byTag where the data of each tag lies
   * @param identity flags, size, ids and text for header and trailer
   */
  static void write(SegmentIndex live, BlockSource[] byTag, LayerHeader identity, ByteSink out)
      throws IOException {
    // The whole index is known before the first byte is written, so that nothing is written that
    // could not be opened.
    SegmentIndex index = CompactIndex.of(live);
    start(identity, out);
    copy(live, byTag, out);
    finish(index, identity, out);
  }

  /** Writes the header. */
  static void start(LayerHeader identity, ByteSink out) throws IOException {
    if (out.position() != 0) {
      throw new IllegalStateException("a layer starts its file, position is " + out.position());
    }
    out.write(with(identity, identity.flags() | LayerHeader.HEADER, 0, 0).encode());
  }

  /** Writes index, padding and trailer behind the data. */
  static void finish(SegmentIndex index, LayerHeader identity, ByteSink out) throws IOException {
    long indexOffset = out.position();
    int padded = CompactIndex.padded(index.count());
    RecordBytes.write(index, padded, out);
    out.write(with(identity, identity.flags(), indexOffset, padded).encode());
  }

  private static LayerHeader with(LayerHeader h, int flags, long indexOffset, long indexCount) {
    return LayerHeader.of(
        flags, indexOffset, indexCount, h.virtualSize(), h.uuid(), h.parentUuid(), h.userTag());
  }

  private static void copy(SegmentIndex live, BlockSource[] byTag, ByteSink out)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(COPY_BYTES);
    var walk = new IndexWalk(live, 0, LayerHeader.MAX_VIRTUAL_SIZE);
    while (walk.next()) {
      if (walk.kind() != Kind.DATA) {
        continue;
      }
      for (long done = 0; done < walk.length(); done += buffer.limit()) {
        buffer.clear().limit((int) Math.min(COPY_BYTES, walk.length() - done));
        byTag[walk.tag()].read(walk.dataOffset() + done, buffer);
        out.write(buffer.flip());
      }
    }
  }
}
