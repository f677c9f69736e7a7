package dev.obd.format.lsmt;

import dev.obd.io.BlockSource;
import dev.obd.io.ByteSink;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Flattens a stack into one committed file that reads the same. Records keep the number of the
 * layer they came from as their tag, as upstream.
 *
 * <p>The virtual size is the stack's. Upstream takes the header of the top read-only layer, which
 * is the same unless that size is 0 or a writable layer on top is larger; there it loses data.
 */
public final class LayerMerger {
  private LayerMerger() {}

  /**
   * Flattens sealed layers; the parent is the lowest layer's unless given. {@code out} is not
   * finished, the caller does that.
   *
   * @throws IOException before anything is written if the index would be too large to be opened
   */
  public static void merge(LayerStack stack, CommitOptions options, ByteSink out)
      throws IOException {
    SealedLayer lowest = stack.layers().getFirst();
    CompactWriter.write(
        stack.index(),
        stack.sourcesByTag(),
        options.identity(stack.size(), lowest.header().parentUuid()),
        out);
  }

  /**
   * Flattens a stack with a writable layer on top, as it is now; the parent is the writable layer's
   * unless given. Otherwise as the other {@code merge}.
   */
  public static void merge(WritableStack stack, CommitOptions options, ByteSink out)
      throws IOException {
    StackTop top = stack.top();
    WritableLayer upper = top.upper();
    @Nullable LayerStack lower = top.lower();
    BlockSource[] below = lower == null ? new BlockSource[0] : lower.sourcesByTag();
    BlockSource[] byTag = Arrays.copyOf(below, below.length + 1);
    byTag[below.length] = upper.data();
    SegmentIndex mapped = upper.snapshot().withTag(below.length);
    CompactWriter.write(
        lower == null ? mapped : mapped.over(lower.index()),
        byTag,
        options.identity(upper.virtualSize(), upper.parentUuid()),
        out);
  }
}
