package dev.obd.registry;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** A blob that is read in ranges. Thread-safe. */
public interface RemoteBlob extends Closeable {
  /** What a blob that is near is streamed in. */
  int PIECE_BYTES = 1 << 20;

  /** Bytes, as its descriptor says. */
  long size();

  /** The digest, for messages. */
  String name();

  /**
   * Fills {@code dst} from {@code offset}, retrying what may pass, within {@code patience} for
   * everything together: token, redirects, connecting, waiting, reading, retries.
   *
   * @throws RegistryException if the bytes cannot be had in that time
   */
  void read(long offset, ByteBuffer dst, Duration patience) throws IOException;

  /** Takes the bytes of a stream as they come, in order. */
  @FunctionalInterface
  interface Receiver {
    /**
     * Takes what follows the bytes of the call before.
     *
     * @param bytes at least one; lent for the call
     * @return false if no more is wanted
     */
    boolean take(ByteBuffer bytes) throws IOException;
  }

  /**
   * Hands {@code length} bytes from {@code offset} to {@code receiver} as they come, with the
   * checks and retries of {@link #read}: after a failure it goes on where it was. If the receiver
   * wants no more, what is under way is given up, which is nobody's failure.
   *
   * @param patience for everything together
   * @param stall most time from the beginning, and from each 64 KiB, to the next; time that the
   *     receiver takes does not count. Where this is not shorter than {@code patience} it means
   *     nothing
   * @throws RegistryException if the bytes cannot be had in that time; those handed out are good.
   *     Also what the receiver throws
   */
  default void stream(
      long offset, long length, Duration patience, Duration stall, Receiver receiver)
      throws IOException {
    Duration each = stall.compareTo(patience) < 0 ? stall : patience;
    boolean wanted = true;
    for (long at = offset; wanted && at < offset + length; at += PIECE_BYTES) {
      ByteBuffer piece = ByteBuffer.allocate((int) Math.min(PIECE_BYTES, offset + length - at));
      read(at, piece, each);
      wanted = receiver.take(piece.flip());
    }
  }

  /**
   * Bytes that came from here proved to be wrong: if there are other ways to the same blob, the
   * next reads go another way for a while.
   */
  default void distrust() {}

  @Override
  void close() throws IOException;
}
