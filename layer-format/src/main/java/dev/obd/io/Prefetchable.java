package dev.obd.io;

import java.io.IOException;
import java.util.function.BooleanSupplier;

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

  /**
   * Makes the bytes of {@code range} present, rounded out to whole units and clipped to this
   * source, in order and in as few requests of the source below as the present units in between
   * allow, however long they become; what a request brings can be read and is kept as it comes, so
   * that little memory is used. Units that another thread is fetching are left to it. Runs on the
   * caller's thread, under its {@link ReadContext}.
   *
   * @param wanted asked now and then; if it says no, this returns
   * @throws IOException if some byte could not be had; what was fetched before stays
   */
  void streamIn(Range range, BooleanSupplier wanted) throws IOException;

  /** The unit in which this source fetches and keeps, in bytes: a power of two. */
  long unitBytes();
}
