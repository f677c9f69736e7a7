package dev.obd.backstore.image;

import dev.obd.format.lsmt.LayerStack;
import dev.obd.io.Range;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Translates ranges of the disk to the ranges of layers that hold them, as a trace to be replayed.
 */
public final class LayerAccesses {
  /** An image may be made of very many pieces; past this the rest is left out: it is a hint. */
  private static final int MAX_ACCESSES = 1 << 18;

  private LayerAccesses() {}

  /** What reading {@code disk}, in this order, reads of the layers; the first 2^18 pieces. */
  public static Trace of(LayerStack stack, List<Range> disk) throws IOException {
    List<Access> accesses = new ArrayList<>();
    for (Range range : disk) {
      long length = Math.min(range.length(), stack.size() - range.offset());
      if (length > 0) {
        stack.forEachLayerRange(
            range.offset(), length, (layer, offset, bytes) -> add(accesses, layer, offset, bytes));
      }
    }
    return Trace.of(accesses);
  }

  /** In pieces as in a recorded trace, because only the start of a longer one is replayed. */
  private static boolean add(List<Access> accesses, int layer, long offset, long length) {
    for (long done = 0;
        done < length && accesses.size() < MAX_ACCESSES;
        done += TraceFile.MAX_RECORD_LENGTH) {
      long bytes = Math.min(TraceFile.MAX_RECORD_LENGTH, length - done);
      accesses.add(new Access(layer, offset + done, bytes));
    }
    return accesses.size() < MAX_ACCESSES;
  }
}
