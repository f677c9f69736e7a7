package dev.obd.format.erofs;

import dev.obd.format.files.Extent;
import dev.obd.format.files.FileSystemReader.EntryVisitor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A directory's entries, block by block: first the entries, then their names without a gap, the
 * last up to a NUL or the block's end.
 *
 * <pre>
 * 0 u64 inode   8 u16 where in the block the name starts   10 u8 type (not relied on)   11 unused
 * </pre>
 */
final class Directory {
  private static final int ENTRY = 12;
  private static final int NAME_AT = 8;
  private static final int MAX_NAME = 255;

  private final Volume volume;
  private final ErofsInode inode;

  Directory(Volume volume, ErofsInode inode) {
    this.volume = volume;
    this.inode = inode;
  }

  void forEach(List<Extent> extents, EntryVisitor visitor) throws IOException {
    for (Extent extent : extents) {
      for (long at = 0; at < extent.length(); at += volume.blockSize()) {
        int length = (int) Math.min(volume.blockSize(), extent.length() - at);
        if (!block(extent.diskOffset() + at, length, visitor)) {
          return;
        }
      }
    }
  }

  private boolean block(long offset, int length, EntryVisitor visitor) throws IOException {
    ByteBuffer raw = volume.metadata(offset, length);
    int names = length < ENTRY ? 0 : raw.getChar(NAME_AT);
    if (names < ENTRY || names > length || names % ENTRY != 0) {
      throw volume.bad(
          offset + NAME_AT, "entries of " + inode, "a multiple of 12, at most " + length, names);
    }
    for (int at = 0, from = names; at < names; at += ENTRY) {
      boolean last = at + ENTRY == names;
      int to = last ? end(raw, from) : raw.getChar(at + ENTRY + NAME_AT);
      if (to <= from || to > length || to - from > MAX_NAME) {
        throw volume.bad(
            offset + at, "name in " + inode, "1 to 255 bytes in the block", (to - from) + " bytes");
      }
      if (!visitor.entry(offset + from, raw.slice(from, to - from), raw.getLong(at))) {
        return false;
      }
      from = to;
    }
    return true;
  }

  private static int end(ByteBuffer raw, int from) {
    int to = from;
    while (to < raw.limit() && raw.get(to) != 0) {
      to++;
    }
    return to;
  }
}
