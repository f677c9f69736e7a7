package dev.obd.io;

import java.io.IOException;

/**
 * A source that keeps what it has fetched, and can fetch without anybody reading. Prefetch asks the
 * first such source it finds below a layer.
 */
public interface Prefetchable extends BlockSource {
  /**
   * Makes the bytes of {@code range} present, rounded out to whole units and clipped to this
   * source. Missing units next to each other are one request of the source below; present units
   * cost nothing, units that another thread is fetching are waited for. Runs on the caller's
   * thread, under its {@link ReadContext}.
   *
   * @throws IOException if some byte could not be had; what was fetched before stays
   */
  void prefetch(Range range) throws IOException;

  /** The unit in which this source fetches and keeps, in bytes: a power of two. */
  long unitBytes();
}
