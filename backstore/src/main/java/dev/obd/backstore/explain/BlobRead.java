package dev.obd.backstore.explain;

/**
 * A read of a blob by way of the cache.
 *
 * @param blob the number of the first layer that has it
 */
record BlobRead(int blob, long offset, long end, long beginMicros, long endMicros) {}
