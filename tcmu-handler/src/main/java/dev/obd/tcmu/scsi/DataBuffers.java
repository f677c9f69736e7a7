package dev.obd.tcmu.scsi;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A command's buffers as one run of bytes. Nothing here leaves them: whatever does not fit is cut.
 * Positions of the buffers are not moved, except by who gets one from {@link #whole}.
 */
final class DataBuffers {
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(4096).asReadOnlyBuffer();

  @FunctionalInterface
  private interface Piece {
    /** {@code at} is an index of {@code buffer}, {@code from} the byte of the range it is. */
    void accept(ByteBuffer buffer, int at, int from, int length);
  }

  private final List<ByteBuffer> buffers;
  private final long length;

  // Where the last piece was: most commands walk forwards. One thread at a time uses a command.
  private int nearIndex;
  private long nearOffset;

  DataBuffers(List<ByteBuffer> buffers) {
    this.buffers = buffers;
    long sum = 0;
    for (int i = 0; i < buffers.size(); i++) {
      sum += buffers.get(i).remaining();
    }
    this.length = sum;
  }

  long length() {
    return length;
  }

  int count() {
    return buffers.size();
  }

  ByteBuffer buffer(int index) {
    return buffers.get(index);
  }

  /** The first {@code bytes} in one buffer, for a device to use; null if they lie in several. */
  @Nullable ByteBuffer whole(long bytes) {
    ByteBuffer first = buffers.isEmpty() ? null : buffers.getFirst();
    if (first == null || first.remaining() < bytes) {
      return null;
    }
    return first.remaining() == bytes ? first : first.slice(first.position(), (int) bytes);
  }

  /**
   * The bytes from {@code offset} to the end of the buffer they lie in, at most {@code most}, in
   * whole blocks, for a device to use; null if that is less than {@code least}.
   */
  @Nullable ByteBuffer run(long offset, long most, int least) {
    if (offset >= length) {
      return null;
    }
    int skip = seek(offset);
    ByteBuffer buffer = buffers.get(nearIndex);
    int bytes = (int) Math.min(buffer.remaining() - skip, most) & -Blocks.BYTES;
    return bytes < least ? null : buffer.slice(buffer.position() + skip, bytes);
  }

  /** Copies from {@code offset} on until {@code dst} is full or the data ends. */
  void get(long offset, ByteBuffer dst) {
    int base = dst.position();
    int bytes =
        pieces(
            offset,
            dst.remaining(),
            (buffer, at, from, run) -> dst.put(base + from, buffer, at, run));
    dst.position(base + bytes);
  }

  /** At most {@code most} bytes from the beginning. */
  byte[] first(int most) {
    ByteBuffer copy = ByteBuffer.allocate((int) Math.min(most, length));
    get(0, copy);
    return copy.array();
  }

  /** Copies {@code src} to {@code offset}, as far as there is room. */
  void put(long offset, ByteBuffer src) {
    int base = src.position();
    int bytes =
        pieces(
            offset,
            src.remaining(),
            (buffer, at, from, run) -> buffer.put(at, src, base + from, run));
    src.position(base + bytes);
  }

  /**
   * Zeros from {@code offset} to the end: what an earlier command left there is not for everybody.
   */
  void clearFrom(long offset) {
    for (long at = offset; at < length; ) {
      int bytes = (int) Math.min(length - at, ZEROS.capacity());
      put(at, ZEROS.slice(0, bytes));
      at += bytes;
    }
  }

  private int pieces(long offset, int most, Piece piece) {
    int bytes = (int) Math.min(most, length - offset);
    for (int done = 0; done < bytes; ) {
      int skip = seek(offset + done);
      ByteBuffer buffer = buffers.get(nearIndex);
      int run = Math.min(buffer.remaining() - skip, bytes - done);
      piece.accept(buffer, buffer.position() + skip, done, run);
      done += run;
    }
    return Math.max(0, bytes);
  }

  /** Goes to the buffer that holds {@code offset}, which is inside; its place in there. */
  private int seek(long offset) {
    if (offset < nearOffset) {
      nearIndex = 0;
      nearOffset = 0;
    }
    while (offset - nearOffset >= buffers.get(nearIndex).remaining()) {
      nearOffset += buffers.get(nearIndex).remaining();
      nearIndex++;
    }
    return (int) (offset - nearOffset);
  }
}
