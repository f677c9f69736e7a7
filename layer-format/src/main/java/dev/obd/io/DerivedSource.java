package dev.obd.io;

/**
 * A source whose bytes live, transformed or moved, in another source. Prefetch unwinds a stack of
 * these to find which bytes of the blob a range of the disk needs.
 */
public interface DerivedSource extends BlockSource {
  /** The source below. */
  BlockSource base();

  /**
   * The range of {@link #base()} that must be present for {@code [offset, offset + length)} of this
   * source to be readable. Clipped to both sources; length 0 if nothing is needed.
   */
  Range baseRange(long offset, long length);
}
