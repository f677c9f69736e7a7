package dev.obd.format.ext4;

/**
 * A run of a file's bytes that lie together on the disk.
 *
 * @param fileOffset first byte in the file
 * @param diskOffset first byte on the disk
 * @param length bytes, more than 0
 */
record Extent(long fileOffset, long diskOffset, long length) {
  long fileEnd() {
    return fileOffset + length;
  }

  boolean continues(Extent before) {
    return fileOffset == before.fileEnd() && diskOffset == before.diskOffset + before.length;
  }
}
