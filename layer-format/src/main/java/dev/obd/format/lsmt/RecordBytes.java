package dev.obd.format.lsmt;

import dev.obd.io.ByteSink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes records as bytes. */
final class RecordBytes {
  private static final int PIECE_RECORDS = 1 << 16;

  private RecordBytes() {}

  /** Where bytes go. */
  @FunctionalInterface
  interface Target {
    void write(ByteBuffer bytes) throws IOException;
  }

  /** Writes {@code index} and padding records up to {@code count} records. */
  static void write(SegmentIndex index, int count, ByteSink out) throws IOException {
    write(index, count, out::write);
  }

  /** As the other {@code write}. */
  static void write(SegmentIndex index, int count, Target out) throws IOException {
    ByteBuffer piece =
        ByteBuffer.allocate(Math.min(count, PIECE_RECORDS) * Segment.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      if (!piece.hasRemaining()) {
        out.write(piece.flip());
        piece.clear();
      }
      boolean padding = i >= index.count();
      piece.putLong(padding ? Segment.PADDING_0 : index.word0(i));
      piece.putLong(padding ? Segment.PADDING_1 : index.word1(i));
    }
    out.write(piece.flip());
  }
}
