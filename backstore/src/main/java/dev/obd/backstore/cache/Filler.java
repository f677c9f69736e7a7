package dev.obd.backstore.cache;

import dev.obd.io.Range;
import java.io.IOException;

/**
 * Brings the bytes of objects that are not here: from a registry, from another process, from
 * wherever. Called on the thread of the reader or of the prefetch that misses them, under its
 * {@link dev.obd.io.ReadContext}, whose deadline it keeps; never for what is here. Thread-safe.
 */
@FunctionalInterface
public interface Filler {
  /**
   * What is missing. Both ranges lie within the object.
   *
   * @param wanted what somebody waits for
   * @param whole what is best brought with it: whole units around {@code wanted}, or more
   */
  record Miss(Range wanted, Range whole) {}

  /**
   * Writes what is missing to {@code object}: {@code whole}, or less of it, or more, in any order,
   * on any thread. When this returns the cache looks whether {@code wanted} is there, and asks
   * again if it is not.
   *
   * @throws FillerGoneException if it cannot do this any more, and another one could
   * @throws IOException if the bytes cannot be had, which is the readers' error
   */
  void fill(Miss miss, FillTarget object) throws IOException;

  /**
   * An object was opened with this filler, which may write to it from now on, asked or not, until
   * {@link #closed}. Must not wait.
   */
  default void opened(FillTarget object) {}

  /** An object that was opened with this filler is closed. Must not wait. */
  default void closed(FillTarget object) {}
}
