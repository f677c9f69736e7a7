package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.Segment.SECTOR;

import dev.obd.io.BlockSource;
import dev.obd.io.ByteSink;
import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Makes a committed layer that repeats parts of a disk, its data in an order of the caller's: who
 * reads the file from front to back gets the parts in that order. On top of that disk it changes no
 * byte. Zeros are stored like other data, as the original's writers do. The same input gives the
 * same bytes.
 */
public final class HotLayerWriter {
  private static final int COPY_BYTES = 1 << 20;

  private HotLayerWriter() {}

  /**
   * Writes {@code parts} of {@code disk} as a layer of the disk's size. {@code out} is not
   * finished, the caller does that.
   *
   * @param parts in the order of the data; whole sectors of the disk, no sector twice
   * @param options what goes into header and trailer; without a parent it is "not set"
   * @throws IOException also, before anything is written, if the parts are so scattered that the
   *     index would exceed {@link SealedLayer#MAX_RECORDS}
   * @throws IllegalArgumentException if the parts are not as they must be
   */
  public static void write(BlockSource disk, List<Range> parts, CommitOptions options, ByteSink out)
      throws IOException {
    SegmentIndex index = index(parts, disk.size());
    LayerHeader identity = options.identity(disk.size(), LayerHeader.NO_UUID);
    CompactWriter.start(identity, out);
    ByteBuffer buffer = ByteBuffer.allocate(COPY_BYTES);
    for (Range part : parts) {
      for (long done = 0; done < part.length(); done += buffer.limit()) {
        buffer.clear().limit((int) Math.min(COPY_BYTES, part.length() - done));
        disk.read(part.offset() + done, buffer);
        out.write(buffer.flip());
      }
    }
    CompactWriter.finish(index, identity, out);
  }

  /** A part, and where its data lies in the file, in sectors. */
  private record Placed(long offset, long length, long moffset) {}

  private static SegmentIndex index(List<Range> parts, long diskBytes) throws IOException {
    List<Placed> placed = new ArrayList<>();
    long moffset = SegmentBounds.FIRST;
    for (Range part : parts) {
      if (part.offset() % SECTOR != 0 || part.length() % SECTOR != 0 || part.end() > diskBytes) {
        throw new IllegalArgumentException(
            part + ": expected whole sectors of a disk of " + diskBytes + " bytes");
      }
      long length = part.length() / SECTOR;
      placed.add(new Placed(part.offset() / SECTOR, length, moffset));
      moffset += length;
    }
    placed.sort(Comparator.comparingLong(Placed::offset));
    var out = new SegmentIndexBuilder(CompactIndex.MAX_RECORDS, placed.size());
    long end = 0;
    for (Placed part : placed) {
      if (part.offset < end) {
        throw new IllegalArgumentException("sector " + part.offset + " is there twice");
      }
      end = part.offset + part.length;
      for (long done = 0; done < part.length; done += Segment.MAX_LENGTH) {
        long n = Math.min(Segment.MAX_LENGTH, part.length - done);
        out.add(Segment.word0(part.offset + done, n), Segment.word1(part.moffset + done, false, 0));
      }
    }
    return out.build();
  }
}
