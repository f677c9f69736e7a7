package dev.obd.format.qcow2;

import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import java.io.IOException;

/**
 * Finds clusters through the two levels of tables. Thread-safe.
 *
 * <pre>
 * L1 entry            bits 9-55: offset of an L2 table, 0: none; bit 63: used once; others 0
 * L2 entry, standard  bit 0: reads as zeros (version 3); bits 9-55: offset of the cluster, 0: none;
 *                     bit 62: 0; bit 63: used once; others 0
 * L2 entry, compressed, bit 62 set; x = 62 - (cluster_bits - 8)
 *                     bits 0 to x-1: offset, in bytes, of the data; bits x to 61: how many sectors
 *                     of 512 bytes it touches beyond the first
 * </pre>
 */
final class ClusterMap {
  private static final long OFFSET = 0x00FF_FFFF_FFFF_FE00L; // bits 9 to 55
  private static final long COPIED = 1L << 63;
  private static final long COMPRESSED = 1L << 62;
  private static final long ZERO = 1;
  private static final int SECTOR = 512;

  private final BlockSource image;
  private final Qcow2Header header;
  private final TableCache tables;

  ClusterMap(BlockSource image, Qcow2Header header) {
    this.image = image;
    this.header = header;
    this.tables = new TableCache(image);
  }

  /**
   * Offset of the L2 table that maps the byte {@code offset} of the disk; 0: none.
   *
   * @param offset inside the disk
   */
  long table(long offset) throws IOException {
    long at = header.l1Offset() + 8 * (offset >>> header.tableBits());
    long entry = tables.entry(at);
    long table = entry & OFFSET;
    if ((entry & ~(OFFSET | COPIED)) != 0 || !isCluster(table)) {
      throw bad(at, "L1 entry", entry);
    }
    return table;
  }

  /** What {@code table} says about the cluster that holds the byte {@code offset} of the disk. */
  Cluster cluster(long table, long offset) throws IOException {
    if (table == 0) {
      return Cluster.Unallocated.INSTANCE;
    }
    long index = (offset >>> header.clusterBits()) & ((header.clusterSize() >> 3) - 1);
    long at = table + 8 * index;
    long entry = tables.entry(at);
    if ((entry & COMPRESSED) != 0) {
      return compressed(at, entry);
    }
    long cluster = entry & OFFSET;
    boolean zero = (entry & ZERO) != 0;
    if ((entry & ~(OFFSET | COPIED | ZERO)) != 0
        || (zero && header.version() == 2)
        || (cluster & (header.clusterSize() - 1)) != 0) {
      throw bad(at, "L2 entry", entry);
    }
    if (zero) {
      return Cluster.Zero.INSTANCE;
    }
    return cluster == 0 ? Cluster.Unallocated.INSTANCE : new Cluster.Plain(cluster);
  }

  private Cluster compressed(long at, long entry) throws FormatException {
    int x = 62 - (header.clusterBits() - 8);
    long offset = entry & ((1L << x) - 1);
    int sectors = (int) ((entry & ~COPIED & ~COMPRESSED) >>> x) + 1;
    // The last sector of the file may be incomplete.
    long length =
        Math.min((long) sectors * SECTOR - (offset & (SECTOR - 1)), image.size() - offset);
    if ((entry & COPIED) != 0 || offset == 0 || length <= 0) {
      throw bad(at, "compressed L2 entry", entry);
    }
    return new Cluster.Compressed(offset, (int) length);
  }

  /** True for 0 and for a whole cluster of the image. */
  private boolean isCluster(long offset) {
    return offset == 0
        || ((offset & (header.clusterSize() - 1)) == 0
            && offset <= image.size() - header.clusterSize());
  }

  private FormatException bad(long at, String field, long entry) {
    return new FormatException(
        image.name(),
        at,
        field,
        "a cluster of the image's " + image.size() + " bytes",
        "0x" + Long.toHexString(entry));
  }
}
