package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.LayerHeader.Field.INDEX_COUNT;
import static dev.obd.format.lsmt.LayerHeader.Field.INDEX_OFFSET;

import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads and checks the index of a sealed layer. */
final class SealedIndexReader {
  /** Bytes per read: each may be a round trip. */
  private static final int PIECE = 4 << 20;

  /** Committed indexes are padded to whole pages of so many records. */
  static final int PAGE_RECORDS = 256;

  private final BlockSource source;
  private final LayerHeader header;
  private final LayerHeader trailer;
  private final String blob;
  private final long trailerAt;

  SealedIndexReader(BlockSource source, LayerHeader header, LayerHeader trailer) {
    this.source = source;
    this.header = header;
    this.trailer = trailer;
    this.blob = source.name();
    this.trailerAt = source.size() - LayerHeader.BYTES;
  }

  SegmentIndex read() throws IOException {
    int count = checkedCount();
    var out = new SegmentIndexBuilder(SealedLayer.MAX_RECORDS, count);
    long at = trailer.indexOffset();
    long end = at + (long) count * Segment.BYTES;
    ByteBuffer piece =
        ByteBuffer.allocate((int) Math.min(PIECE, end - at)).order(ByteOrder.LITTLE_ENDIAN);
    long previousEnd = 0;
    while (at < end) {
      piece.clear().limit((int) Math.min(PIECE, end - at));
      source.read(at, piece);
      piece.flip();
      for (; piece.hasRemaining(); at += Segment.BYTES) {
        long w0 = piece.getLong();
        long w1 = piece.getLong();
        if (!Segment.isPadding(w0)) {
          check(at, w0, w1, previousEnd);
          previousEnd = Segment.end(w0);
          out.add(w0, Segment.withTag(w1, 0));
        }
      }
    }
    return out.build();
  }

  /** The number of records, once it is known that they lie between header and trailer. */
  private int checkedCount() throws FormatException {
    long count = trailer.indexCount();
    if (count < 0 || count > SealedLayer.MAX_RECORDS) {
      throw new FormatException(
          blob,
          trailerAt + INDEX_COUNT.at,
          INDEX_COUNT.text,
          "at most " + SealedLayer.MAX_RECORDS,
          Long.toUnsignedString(count));
    }
    long last = trailerAt - count * Segment.BYTES;
    long offset = trailer.indexOffset();
    if (offset < LayerHeader.BYTES || offset > last) {
      throw new FormatException(
          blob,
          trailerAt + INDEX_OFFSET.at,
          INDEX_OFFSET.text,
          LayerHeader.BYTES + " to " + last + " for " + count + " records",
          Long.toUnsignedString(offset));
    }
    return (int) count;
  }

  private void check(long at, long w0, long w1, long previousEnd) throws FormatException {
    if (Segment.offset(w0) < previousEnd) {
      throw new FormatException(
          blob,
          at,
          "segment.offset",
          "at least " + previousEnd + " (the end of the record before)",
          Segment.offset(w0));
    }
    if (Segment.end(w0) > Segment.INVALID_OFFSET) {
      throw new FormatException(
          blob, at, "segment.length", "an end up to 2^50-1 sectors", Segment.end(w0));
    }
    checkTag(at, w1);
    SegmentBounds.check(blob, at, w0, w1, trailer.indexOffset() / Segment.SECTOR);
  }

  /**
   * A turboOCI (warp) layer looks like any other, but records with a tag point into another blob.
   * Tags of committed and merged layers mean nothing; those files pad their index, turboOCI ones do
   * not.
   */
  private void checkTag(long at, long w1) throws FormatException {
    boolean padded = trailer.indexCount() % PAGE_RECORDS == 0;
    if (Segment.tag(w1) != 0 && header.has(LayerHeader.SEALED) && !padded) {
      throw new FormatException(
          blob,
          at,
          "segment.tag",
          "a layer that holds its own data",
          "tag " + Segment.tag(w1) + " of a turboOCI (warp) layer, whose data is in another blob");
    }
  }
}
