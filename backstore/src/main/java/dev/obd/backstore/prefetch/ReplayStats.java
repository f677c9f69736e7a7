package dev.obd.backstore.prefetch;

/**
 * How far a replay is.
 *
 * @param state what it does
 * @param records in the trace
 * @param skipped records of them that need no request: of local layers, of layers the image lacks,
 *     beyond a layer's end
 * @param ranges that the rest needs of the blobs, without duplicates
 * @param rangeBytes bytes of them
 * @param requests that were made; at the end as many as ranges, unless it was stopped
 * @param bytes of the requests that succeeded, whether or not the cache had them
 * @param failed requests
 */
public record ReplayStats(
    State state,
    long records,
    long skipped,
    long ranges,
    long rangeBytes,
    long requests,
    long bytes,
    long failed) {
  /** What a replay does. */
  public enum State {
    /** Fetches or decodes the trace, or plans. */
    LOADING,
    /** Fetches ranges. */
    RUNNING,
    /** All ranges were tried. */
    DONE,
    /** Closed before it was done. */
    STOPPED,
    /** There was no usable trace; nothing was fetched. */
    DAMAGED
  }

  /** True if nothing more will happen. */
  public boolean done() {
    return state != State.LOADING && state != State.RUNNING;
  }
}
