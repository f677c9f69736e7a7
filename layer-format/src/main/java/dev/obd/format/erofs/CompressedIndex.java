package dev.obd.format.erofs;

import dev.obd.format.files.TooManyExtentsException;
import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Where on the disk a compressed file's blocks are. Content is cut in clusters of a block or more;
 * each has an entry that says whether compressed data starts in it (a head), or goes on. Behind the
 * inode, aligned to 8 bytes:
 *
 * <pre>
 * 0 u32, of it from 2 u16 bytes of data behind the entries, with INLINE
 * 4 u16 flags: COMPACTED_2B 1, BIG_PCLUSTER 2 and 4, INLINE 8, FRAGMENT 0x20
 * 6 u8 algorithms   7 u8 bits 0 to 2: cluster = block << this; bit 7: all of it is a fragment
 *
 * entries of 8 bytes, after 8 unused ones: u16 type in bits 0 and 1, u16 offset, then
 *   of a head u32 block, else u16 distance to the head, with bit 11: number of blocks; u16
 * entries of 4 bytes: packs of 2; first so many that packs of 16 start aligned to 32 bytes, and
 *   what is left after these; entries of 2 bytes, with COMPACTED_2B: packs of 16. A pack has 16 or
 *   14 bits for each entry, of them the upper two the type, and ends with u32 block.
 * </pre>
 *
 * A head's data takes a block, unless the next entry has the number of blocks. A head at the offset
 * where the content ends has none.
 */
final class CompressedIndex {
  private static final int BIG_CLUSTER = 0x6;
  private static final int COMPACTED_2B = 0x1;
  private static final int INLINE = 0x8;
  private static final int FRAGMENT = 0x20;
  private static final int WHOLE_FRAGMENT = 0x80;

  private static final int GOES_ON = 2;
  private static final int WITH_COUNT = 0x800;
  private static final int MIN_LOW_BITS = 12;
  private static final int FULL_ENTRY = 8;
  private static final int PACK_2B = 32;
  private static final int IN_PACK_2B = 16;

  private final Volume volume;
  private final ErofsInode inode;
  private final int most;
  private final long first;
  private final int flags;
  private final int clusterBits;
  private final int inlineBytes;
  private final List<Range> ranges = new ArrayList<>();

  /** One entry: {@code low} is what its bits below the type say; {@code block} only of heads. */
  private record Entry(int type, int low, long block) {
    boolean head() {
      return type != GOES_ON;
    }
  }

  CompressedIndex(Volume volume, ErofsInode inode, int most) throws IOException {
    this.volume = volume;
    this.inode = inode;
    this.most = most;
    long header = (inode.end() + 7) & -8L;
    volume.check(inode.offset(), "header of compressed " + inode, header, 8);
    ByteBuffer raw = volume.metadata(header, 8);
    this.inlineBytes = raw.getChar(2);
    this.flags = raw.getChar(4);
    this.clusterBits = volume.superblock().blockBits() + (raw.get(7) & 7);
    this.first = header + 8;
    if ((raw.get(7) & WHOLE_FRAGMENT) != 0 || (flags & FRAGMENT) != 0) {
      throw volume.bad(
          header + 4, "data of compressed " + inode, "data of its own", "parts of another file");
    }
  }

  /** Joined where they touch, in the order of the file. */
  List<Range> ranges() throws IOException {
    long clusters =
        (inode.size() >> clusterBits) + ((inode.size() & ((1L << clusterBits) - 1)) == 0 ? 0 : 1);
    if (clusters > volume.disk().size() / 2) {
      throw volume.bad(
          inode.offset() + 8, "clusters of " + inode, "entries that lie on the disk", clusters);
    }
    boolean full = inode.layout() == ErofsInode.Layout.COMPRESSED_FULL;
    long table = full ? first + 8 : first;
    var packs = new Packs(clusters);
    long end = full ? table + clusters * FULL_ENTRY : packs.end();
    volume.check(inode.offset(), "entries of compressed " + inode, table, end - table);
    long lastHead = -1;
    Entry head = null;
    for (long i = 0; i < clusters; i++) {
      Entry entry = full ? full(table + i * FULL_ENTRY) : packs.entry(i);
      if (entry.head()) {
        if (head != null) {
          add(lastHead, head.block, 1);
        }
        boolean endMark = (i << clusterBits) + entry.low >= inode.size();
        head = endMark ? null : entry;
        lastHead = i;
      } else if (head != null && i == lastHead + 1 && (entry.low & WITH_COUNT) != 0) {
        add(lastHead, head.block, entry.low & (WITH_COUNT - 1));
        head = null;
      }
    }
    boolean inline = (flags & INLINE) != 0;
    if (head != null && !inline) {
      add(lastHead, head.block, 1);
    } else if (inline && inlineBytes > 0) {
      volume.check(inode.offset(), "data behind the entries of " + inode, end, inlineBytes);
      add(new Range(end, inlineBytes));
    }
    return ranges;
  }

  private void add(long cluster, long block, long count) throws IOException {
    long offset = block << volume.superblock().blockBits();
    long length = Math.max(count, 1) << volume.superblock().blockBits();
    volume.check(inode.offset(), "data of cluster " + cluster + " of " + inode, offset, length);
    add(new Range(offset, length));
  }

  private void add(Range range) throws IOException {
    if (!ranges.isEmpty() && ranges.getLast().end() == range.offset()) {
      Range before = ranges.removeLast();
      ranges.add(new Range(before.offset(), before.length() + range.length()));
      return;
    }
    if (ranges.size() == most) {
      throw new TooManyExtentsException(
          volume.disk().name(), inode.offset(), inode.toString(), most);
    }
    ranges.add(range);
  }

  private Entry full(long at) throws IOException {
    ByteBuffer raw = volume.metadata(at, FULL_ENTRY);
    int type = raw.getChar(0) & 3;
    return type == GOES_ON
        ? new Entry(type, raw.getChar(4), 0)
        : new Entry(type, raw.getChar(2), raw.getInt(4) & 0xFFFF_FFFFL);
  }

  /** Entries of 2 and 4 bytes. */
  private final class Packs {
    private final long leading;
    private final long small;
    private final long clusters;
    private final int lowBits = Math.max(clusterBits, MIN_LOW_BITS);

    Packs(long clusters) {
      this.clusters = clusters;
      long aligning = ((PACK_2B - first % PACK_2B) / 4) & 7;
      boolean both = (flags & COMPACTED_2B) != 0 && aligning < clusters;
      this.leading = both ? aligning : clusters;
      this.small = both ? (clusters - aligning) & -IN_PACK_2B : 0;
    }

    /** Where the last pack ends. */
    long end() {
      long large = clusters - small; // a pack that is not full takes as much
      long tail = large - leading;
      return first + pairs(leading) * 8 + small * 2 + pairs(tail) * 8;
    }

    private static long pairs(long entries) {
      return (entries + 1) / 2;
    }

    Entry entry(long number) throws IOException {
      if (number < leading) {
        return unpack(first + number / 2 * 8, 2, (int) (number % 2));
      }
      long at = first + leading * 4;
      long rest = number - leading;
      if (rest < small) {
        return unpack(at + rest / IN_PACK_2B * PACK_2B, IN_PACK_2B, (int) (rest % IN_PACK_2B));
      }
      rest -= small;
      return unpack(at + small * 2 + rest / 2 * 8, 2, (int) (rest % 2));
    }

    private Entry unpack(long at, int entries, int index) throws IOException {
      int bytes = entries == 2 ? 8 : PACK_2B;
      ByteBuffer pack = volume.metadata(at, bytes);
      int bits = (bytes - 4) * 8 / entries;
      if (lowBits > bits - 2) {
        throw volume.bad(
            first - 1, "clusters of " + inode, "of at most " + (1 << (bits - 2)), 1 << clusterBits);
      }
      int value = bits(pack, bits * index);
      int type = type(value);
      int low = low(value);
      if (type == GOES_ON) {
        return new Entry(type, low, 0);
      }
      long block = (pack.getInt(bytes - 4) & 0xFFFF_FFFFL) + before(pack, bits, index);
      return new Entry(type, low, block & 0xFFFF_FFFFL);
    }

    /**
     * How many blocks the heads before this one in its pack take; one more, if none has a count.
     */
    private long before(ByteBuffer pack, int bits, int index) throws IOException {
      boolean big = (flags & BIG_CLUSTER) != 0;
      long blocks = big ? 0 : 1;
      for (int i = index - 1; i >= 0; i--) {
        int value = bits(pack, bits * i);
        if (type(value) != GOES_ON) {
          blocks++;
        } else if (!big) {
          i -= low(value);
          blocks += i >= 0 ? 1 : 0;
        } else if ((low(value) & WITH_COUNT) != 0) {
          i--; // its head is counted with it
          blocks += low(value) & (WITH_COUNT - 1);
        } else if (low(value) > 1) {
          i -= low(value) - 2;
        } else {
          throw volume.bad(
              inode.offset(), "entries of " + inode, "a distance of 2 or more", low(value));
        }
      }
      return blocks;
    }

    private int low(int value) {
      return value & ((1 << lowBits) - 1);
    }

    private int type(int value) {
      return (value >> lowBits) & 3;
    }

    private int bits(ByteBuffer pack, int from) {
      // Four bytes from here lie in the pack: its last four are no entries.
      return pack.order(ByteOrder.LITTLE_ENDIAN).getInt(from / 8) >>> (from % 8);
    }
  }
}
