package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.Segment.SECTOR;

import dev.obd.io.BlockSource;
import dev.obd.io.ByteSink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * Makes a committed layer of a raw disk in one pass. Compared by blocks of 4 KiB: what equals the
 * base is left out, zeros over something are a zeroed segment, the rest is data. The same input
 * gives the same bytes.
 *
 * <p>Nothing is left out beyond the end of the base, not even zeros: a base that is smaller than
 * what lies below it hides the rest of that, and a larger layer on top would show it again.
 */
public final class RawLayerWriter {
  /** What is compared and stored as one. */
  private static final int BLOCK = 4096;

  private static final int CHUNK = 1 << 20;
  private static final byte[] ZERO_BLOCK = new byte[BLOCK];

  private final ByteSink out;
  private final CompactIndex index = new CompactIndex();
  private Verdict run = Verdict.SAME;
  private long runStart;

  private enum Verdict {
    SAME,
    ZERO,
    DATA
  }

  private RawLayerWriter(ByteSink out) {
    this.out = out;
  }

  /**
   * Writes {@code raw} as a layer to be put on {@code base}, or alone. The disk's size is that of
   * {@code raw}, rounded up to 512 bytes. {@code out} is not finished, the caller does that.
   *
   * @param progress told how many bytes of {@code raw} are done, now and then and at the end
   * @throws IOException also if the differences are so scattered that the index would exceed {@link
   *     SealedLayer#MAX_RECORDS}; {@code out} is then incomplete
   */
  public static void write(
      BlockSource raw,
      Optional<? extends BlockSource> base,
      ImportOptions options,
      ByteSink out,
      LongConsumer progress)
      throws IOException {
    long size = roundUp(raw.size(), SECTOR);
    if (size > LayerHeader.MAX_VIRTUAL_SIZE) {
      throw new IOException(raw.name() + ": too large for a layer: " + raw.size() + " bytes");
    }
    LayerHeader identity =
        new CommitOptions(options.uuid(), options.parentUuid(), options.userTag())
            .identity(size, LayerHeader.NO_UUID);
    CompactWriter.start(identity, out);
    SegmentIndex index = new RawLayerWriter(out).copy(raw, base, size, progress);
    CompactWriter.finish(index, identity, out);
  }

  private SegmentIndex copy(
      BlockSource raw, Optional<? extends BlockSource> base, long size, LongConsumer progress)
      throws IOException {
    byte[] fresh = new byte[CHUNK];
    byte[] old = new byte[CHUNK];
    for (long at = 0; at < size; at += CHUNK) {
      int n = (int) Math.min(CHUNK, size - at);
      fill(raw, at, fresh, n);
      if (base.isPresent()) {
        fill(base.get(), at, old, n);
      }
      long known = base.isPresent() ? roundUp(base.get().size(), SECTOR) - at : n;
      for (int from = 0; from < n; ) {
        Verdict verdict = judge(fresh, old, from, n, known);
        int to = Math.min(from + BLOCK, n);
        while (to < n && judge(fresh, old, to, n, known) == verdict) {
          to = Math.min(to + BLOCK, n);
        }
        if (verdict != run) {
          endRun(at + from);
          run = verdict;
          runStart = at + from;
        }
        if (verdict == Verdict.DATA) {
          out.write(ByteBuffer.wrap(fresh, from, to - from));
        }
        from = to;
      }
      progress.accept(Math.min(at + n, raw.size()));
    }
    endRun(size);
    return index.build();
  }

  /** Fills {@code n} bytes of {@code into}; what lies beyond the source is zeros. */
  private static void fill(BlockSource source, long at, byte[] into, int n) throws IOException {
    int there = Math.clamp(source.size() - at, 0, n);
    if (there > 0) {
      source.read(at, ByteBuffer.wrap(into, 0, there));
    }
    Arrays.fill(into, there, n, (byte) 0);
  }

  /** What the block at {@code from} is to become; the base says nothing from {@code known} on. */
  private static Verdict judge(byte[] fresh, byte[] old, int from, int n, long known) {
    int to = Math.min(from + BLOCK, n);
    if (to <= known && Arrays.equals(fresh, from, to, old, from, to)) {
      return Verdict.SAME;
    }
    return Arrays.equals(fresh, from, to, ZERO_BLOCK, 0, to - from) ? Verdict.ZERO : Verdict.DATA;
  }

  private void endRun(long end) throws IOException {
    if (run != Verdict.SAME) {
      index.add(runStart / SECTOR, (end - runStart) / SECTOR, run == Verdict.ZERO, 0);
    }
  }

  private static long roundUp(long n, int unit) {
    return (n + unit - 1) / unit * unit;
  }
}
