package dev.obd.backstore.device;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * What a front-end asks of a device. Offsets and lengths are disk bytes. A request's buffer or list
 * belongs to the device from {@link BlockDevice#submit} until {@link Completion#done}.
 */
public sealed interface Request {
  /** Fill {@code into} from {@code offset}; any alignment. */
  record Read(long offset, ByteBuffer into) implements Request {}

  /**
   * Write {@code from} at {@code offset}; with {@code fua} it is on stable storage before the
   * answer.
   */
  record Write(long offset, ByteBuffer from, boolean fua) implements Request {}

  /** Everything answered before is on stable storage when this is answered. */
  record Flush() implements Request {}

  /** The range's content is no longer wanted; it reads as zeros afterwards. */
  record Discard(long offset, long length, boolean fua) implements Request {}

  /** The range reads as zeros afterwards. {@code mayPunch} allows it to be deallocated. */
  record WriteZeroes(long offset, long length, boolean mayPunch, boolean fua) implements Request {}

  /** Bring the range near. */
  record Cache(long offset, long length) implements Request {}

  /**
   * Add to {@code into} what the range holds, from {@code offset} on without a gap: neighbours of
   * one kind joined, at most {@code limit} extents, so they may end before the range does.
   */
  record Extents(long offset, long length, int limit, List<Extent> into) implements Request {}
}
