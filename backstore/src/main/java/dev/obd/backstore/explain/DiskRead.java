package dev.obd.backstore.explain;

import java.util.List;

/**
 * A read of the disk, or what took its place while the image was opened.
 *
 * @param offset disk bytes; -1 for one that was not of the disk
 * @param layer the first layer it took bytes of; -1 for none
 * @param blobs what it read of blobs, in order
 */
record DiskRead(
    long offset, long length, int layer, long beginMicros, long endMicros, List<BlobRead> blobs) {
  boolean isOfDisk() {
    return offset >= 0;
  }
}
