package dev.obd.backstore.image;

import dev.obd.format.lsmt.LayerStack;
import dev.obd.io.Range;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Translates ranges of the disk to the ranges of layers that hold them, as a trace to be replayed.
 */
final class LayerAccesses {
  private LayerAccesses() {}

  static Trace of(LayerStack stack, List<Range> disk) throws IOException {
    List<Access> accesses = new ArrayList<>();
    for (Range range : disk) {
      long length = Math.min(range.length(), stack.size() - range.offset());
      if (length > 0) {
        stack.forEachLayerRange(
            range.offset(),
            length,
            (layer, offset, bytes) -> accesses.add(new Access(layer, offset, bytes)));
      }
    }
    return Trace.of(accesses);
  }
}
