package dev.obd.format.files;

/**
 * A run of a file's bytes that lie together on the disk.
 *
 * @param fileOffset first byte in the file
 * @param diskOffset first byte on the disk
 * @param length bytes, more than 0
 */
public record Extent(long fileOffset, long diskOffset, long length) {
  /** The first byte of the file after it. */
  public long fileEnd() {
    return fileOffset + length;
  }

  /** True if this is the next part of the file, and of the disk, after {@code before}. */
  public boolean continues(Extent before) {
    return fileOffset == before.fileEnd() && diskOffset == before.diskOffset + before.length;
  }
}
