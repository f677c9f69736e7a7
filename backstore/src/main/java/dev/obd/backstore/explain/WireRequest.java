package dev.obd.backstore.explain;

import dev.obd.io.ReadContext.Purpose;

/**
 * A request for a part of a blob.
 *
 * @param layer as which it was asked for
 * @param blob the number of the first layer that has this blob
 * @param queuedMicros when it began to wait for its turn
 * @param beginMicros when it was sent
 * @param endMicros when all of it had arrived
 * @param raised a prefetch that somebody came to wait for
 * @param opening made by what opens the image
 */
record WireRequest(
    int layer,
    int blob,
    long offset,
    long end,
    long queuedMicros,
    long beginMicros,
    long endMicros,
    Purpose purpose,
    boolean raised,
    boolean opening,
    boolean ok) {
  long length() {
    return end - offset;
  }
}
