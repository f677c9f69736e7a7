package dev.obd.format.lsmt;

import java.util.UUID;

/**
 * What a new writable layer is.
 *
 * @param virtualSize size of the disk in bytes, a multiple of 512; 0 takes over the size of the
 *     stack that the layer is put on
 * @param uuid the layer's id
 * @param parentUuid the id of the layer below, or {@link LayerHeader#NO_UUID}
 * @param sparse blocks in place in a sparse file instead of appended to a log
 */
public record WritableOptions(long virtualSize, UUID uuid, UUID parentUuid, boolean sparse) {
  /** Refuses sizes that no disk has. */
  public WritableOptions {
    requireSize(virtualSize);
  }

  /** A log of {@code virtualSize} bytes with a random id and no parent. */
  public static WritableOptions ofSize(long virtualSize) {
    return new WritableOptions(virtualSize, UUID.randomUUID(), LayerHeader.NO_UUID, false);
  }

  static void requireSize(long virtualSize) {
    if (virtualSize < 0
        || virtualSize > LayerHeader.MAX_VIRTUAL_SIZE
        || virtualSize % Segment.SECTOR != 0) {
      throw new IllegalArgumentException(
          "virtual size: a multiple of 512 up to "
              + LayerHeader.MAX_VIRTUAL_SIZE
              + " expected, got "
              + virtualSize);
    }
  }
}
