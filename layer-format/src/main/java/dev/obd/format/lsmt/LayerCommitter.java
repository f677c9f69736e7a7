package dev.obd.format.lsmt;

import dev.obd.io.BlockSource;
import dev.obd.io.ByteSink;
import java.io.IOException;

/** Compacts one layer into a new committed file, byte for byte as the original does. */
public final class LayerCommitter {
  private LayerCommitter() {}

  /**
   * Commits what {@code source} holds now; writes that come later are not part of it. Written from
   * front to back; {@code out} is not finished, the caller does that.
   *
   * @throws IOException before anything is written if the index would be too large to be opened
   */
  public static void commit(WritableLayer source, CommitOptions options, ByteSink out)
      throws IOException {
    CompactWriter.write(
        source.snapshot(),
        new BlockSource[] {source.data()},
        options.identity(source.virtualSize(), source.parentUuid()),
        out);
  }

  /** Commits a sealed layer; otherwise as the other {@code commit}. */
  public static void commit(SealedLayer source, CommitOptions options, ByteSink out)
      throws IOException {
    // The header's size, not the trailer's, as upstream; they differ in no file it writes.
    source.header().requireVirtualSize(source.name(), 0);
    CompactWriter.write(
        source.index(),
        new BlockSource[] {source.source()},
        options.identity(source.header().virtualSize(), source.header().parentUuid()),
        out);
  }
}
