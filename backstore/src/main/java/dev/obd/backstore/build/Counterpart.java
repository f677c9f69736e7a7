package dev.obd.backstore.build;

import dev.obd.format.files.Extent;
import dev.obd.format.files.FileMap.File;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.Range;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A file of one image, and what another image has for it. Not thread-safe. */
final class Counterpart {
  /** What is compared as one, in bytes. */
  static final int BLOCK = 64 << 10;

  private final BlockSource old;
  private final File file;
  private final BlockSource content;
  private final TreeMap<Long, Extent> extents = new TreeMap<>(); // by offset in the file
  private final Map<Long, Boolean> same = new HashMap<>(); // by number of the block

  /**
   * @param old content of the one
   * @param file the other, of which these are content and extents
   */
  Counterpart(BlockSource old, File file, BlockSource content, List<Extent> extents) {
    this.old = old;
    this.file = file;
    this.content = content;
    extents.forEach(extent -> this.extents.put(extent.fileOffset(), extent));
  }

  /** What the other image has. */
  File file() {
    return file;
  }

  /** True if it has all bytes that the old file has in that block. */
  boolean isSame(long block) throws IOException {
    Boolean known = same.get(block);
    if (known == null) {
      known = compare(block * BLOCK);
      same.put(block, known);
    }
    return known;
  }

  private boolean compare(long at) throws IOException {
    int length = Math.clamp(old.size() - at, 0, BLOCK);
    return content.size() - at >= length
        && BlockSources.readFully(old, at, length)
            .equals(BlockSources.readFully(content, at, length));
  }

  /** Where on its disk these bytes of the file are; holes are nowhere. */
  List<Range> extents(long offset, long length) {
    List<Range> ranges = new ArrayList<>();
    Long first = extents.floorKey(offset);
    for (Extent extent : extents.tailMap(first == null ? offset : first, true).values()) {
      if (extent.fileOffset() >= offset + length) {
        break;
      }
      long from = Math.max(extent.fileOffset(), offset);
      long end = Math.min(extent.fileEnd(), offset + length);
      if (from < end) {
        ranges.add(new Range(extent.diskOffset() + from - extent.fileOffset(), end - from));
      }
    }
    return ranges;
  }
}
