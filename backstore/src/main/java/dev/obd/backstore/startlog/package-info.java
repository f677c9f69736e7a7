/**
 * The log of one start of a device: what was read of it, what went over the wire for that, and what
 * was planned. Knows nothing of how an image is put together.
 */
@NullMarked
package dev.obd.backstore.startlog;

import org.jspecify.annotations.NullMarked;
