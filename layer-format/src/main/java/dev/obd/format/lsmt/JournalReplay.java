package dev.obd.format.lsmt;

import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the index file of a writable layer after a clean end or a crash. What a crash may leave is
 * dropped and reported: a torn last record, a tail of records whose data did not reach its file, a
 * tail of zeros. Any other bad record is damage and fails.
 */
final class JournalReplay {
  /** Whole records. */
  private static final int PIECE = 1 << 20;

  private final StoreFile file;
  private final long dataSectors;
  private final LiveMap map;
  private final List<String> warnings = new ArrayList<>();

  private long kept;
  private long firstBeyond = -1;
  private long lastSector = SegmentBounds.FIRST;
  private boolean zeros;

  /**
   * @param dataSectors whole sectors in the data file
   */
  JournalReplay(StoreFile file, long dataSectors, LiveMap map) {
    this.file = file;
    this.dataSectors = dataSectors;
    this.map = map;
  }

  /** Fills the map; returns the bytes of the file to keep. */
  long run() throws IOException {
    long bytes = file.size() - LayerHeader.BYTES;
    long records = bytes / Segment.BYTES;
    if (records > SegmentIndex.MAX_RECORDS) {
      throw new FormatException(
          file.name(), 0, "file", "at most " + SegmentIndex.MAX_RECORDS + " records", records);
    }
    read(records);
    if (bytes % Segment.BYTES != 0) {
      warnings.add(file.name() + ": dropped a torn last record");
    }
    if (kept < records) {
      warnings.add(
          file.name()
              + ": dropped "
              + (records - kept)
              + " records from number "
              + kept
              + (zeros ? ": the rest of the file is not written" : ": their data is not there"));
    }
    return LayerHeader.BYTES + kept * Segment.BYTES;
  }

  /**
   * Adds what the last process had written and not flushed when it died, after {@link #run}.
   *
   * @return what of it was added: all before the first record that cannot be one
   */
  SegmentIndex addUnflushed(SegmentIndex records) {
    var words = new long[2 * records.count()];
    int added = 0;
    while (added < records.count() && fits(records.word0(added), records.word1(added))) {
      words[2 * added] = records.word0(added);
      words[2 * added + 1] = records.word1(added);
      put(words[2 * added], words[2 * added + 1]);
      added++;
    }
    return new SegmentIndex(words, added);
  }

  private boolean fits(long w0, long w1) {
    return !Segment.isPadding(w0)
        && Segment.end(w0) <= Segment.INVALID_OFFSET
        && Segment.moffset(w1) >= SegmentBounds.FIRST
        && !SegmentBounds.beyond(w0, w1, dataSectors);
  }

  /** What was dropped, for people. */
  List<String> warnings() {
    return warnings;
  }

  /** Where the data of the records kept ends, in sectors. */
  long lastSector() {
    return lastSector;
  }

  private void read(long records) throws IOException {
    ByteBuffer piece =
        ByteBuffer.allocate((int) Math.min(PIECE, records * Segment.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    long number = 0;
    while (number < records && !zeros) {
      piece.clear().limit((int) Math.min(PIECE, (records - number) * Segment.BYTES));
      file.read(LayerHeader.BYTES + number * Segment.BYTES, piece);
      piece.flip();
      while (piece.hasRemaining() && !zeros) {
        take(number++, piece.getLong(), piece.getLong());
      }
    }
    if (firstBeyond < 0 && !zeros) {
      kept = records;
    }
  }

  private void take(long number, long w0, long w1) throws FormatException {
    if (Segment.isPadding(w0)) {
      return;
    }
    if (w0 == 0 && w1 == 0) {
      // No writer makes such a record: the file grew, but these pages were never written.
      zeros = true;
      kept = firstBeyond < 0 ? number : firstBeyond;
      return;
    }
    long at = LayerHeader.BYTES + number * Segment.BYTES;
    if (Segment.end(w0) > Segment.INVALID_OFFSET) {
      throw new FormatException(
          file.name(), at, "segment.length", "an end up to 2^50-1 sectors", Segment.end(w0));
    }
    if (SegmentBounds.beyond(w0, w1, dataSectors)) {
      if (firstBeyond < 0) {
        firstBeyond = number;
        kept = number;
      }
      return;
    }
    if (firstBeyond >= 0) {
      // Data only grows, so after a crash every later record would be beyond its end too.
      throw new FormatException(
          file.name(),
          LayerHeader.BYTES + firstBeyond * Segment.BYTES,
          "segment.moffset",
          "data within the " + dataSectors + " sectors of the data file",
          "data beyond its end, though later records are within");
    }
    SegmentBounds.check(file.name(), at, w0, w1, dataSectors);
    put(w0, w1);
  }

  private void put(long w0, long w1) {
    map.put(w0, Segment.withTag(w1, 0));
    long length = Segment.zeroed(w1) ? 0 : Segment.length(w0);
    lastSector = Math.max(lastSector, Segment.moffset(w1) + length);
  }
}
