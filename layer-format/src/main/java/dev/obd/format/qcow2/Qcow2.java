package dev.obd.format.qcow2;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ExtentMap;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The disk in a qcow2 image, read only: versions 2 and 3, all cluster sizes, zero clusters, deflate
 * and zstd, chains of backing files. Refused with a {@link FormatException} that says so:
 * encryption, external data files, extended L2 entries, unknown incompatible features, images
 * marked corrupt. Internal snapshots are not looked at. Memory is bounded whatever the image claims
 * (about 5 MiB per image of the chain, plus one cluster per concurrent read). Thread-safe.
 */
public final class Qcow2 implements BlockSource, ExtentMap {
  /** An image with more images below it than this is refused: no loop of names is endless. */
  private static final int MAX_DEPTH = 32;

  private final BlockSource image;
  private final Qcow2Header header;
  private final ClusterMap map;
  private final Inflation inflation;
  private final @Nullable BlockSource backing;

  private Qcow2(BlockSource image, Qcow2Header header, @Nullable BlockSource backing) {
    this.image = image;
    this.header = header;
    this.map = new ClusterMap(image, header);
    this.inflation = new Inflation(image, header);
    this.backing = backing;
  }

  /** True if the source starts like a qcow2 image. */
  public static boolean isQcow2(BlockSource source) throws IOException {
    return source.size() >= 4
        && BlockSources.readFully(source, 0, 4).order(ByteOrder.BIG_ENDIAN).getInt()
            == Qcow2Header.MAGIC;
  }

  /** The disk of an image that stands alone; one that names a backing file is refused. */
  public static Qcow2 open(BlockSource image) throws IOException {
    return open(image, BackingFiles.NONE);
  }

  /**
   * The disk of an image, over those it names.
   *
   * @param image closed with the disk; left open if this method throws
   * @throws FormatException if the image or one below it is damaged or not supported
   */
  public static Qcow2 open(BlockSource image, BackingFiles files) throws IOException {
    return open(image, files, 0);
  }

  private static Qcow2 open(BlockSource image, BackingFiles files, int depth) throws IOException {
    Qcow2Header header = Qcow2Header.read(image);
    String name = header.backingFile();
    if (name == null) {
      return new Qcow2(image, header, null);
    }
    if (depth == MAX_DEPTH) {
      throw new FormatException(
          image.name(), 0, "backing file", "at most " + MAX_DEPTH + " in a row", "more");
    }
    BlockSource file = files.open(name);
    try {
      return new Qcow2(image, header, backing(image, file, header.backingFormat(), files, depth));
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static BlockSource backing(
      BlockSource image, BlockSource file, @Nullable String format, BackingFiles files, int depth)
      throws IOException {
    // Old images do not name the format. Guessing is what QEMU does then.
    String known = format != null ? format : isQcow2(file) ? "qcow2" : "raw";
    return switch (known) {
      case "raw" -> file;
      case "qcow2" -> open(file, files, depth + 1);
      default ->
          throw new FormatException(image.name(), 0, "backing format", "raw or qcow2", known);
    };
  }

  @Override
  public long size() {
    return header.size();
  }

  @Override
  public String name() {
    return image.name();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    int end = dst.limit();
    try {
      for (long at = offset; dst.position() < end; ) {
        // Neighbours in the disk that are neighbours in the image are one read.
        long limit = at + (end - dst.position());
        Cluster cluster = map.cluster(map.table(at), at);
        long stop = runEnd(cluster, at, limit);
        dst.limit(dst.position() + (int) (stop - at));
        fill(cluster, at, dst);
        dst.limit(end);
        at = stop;
      }
    } finally {
      dst.limit(end);
    }
  }

  /** Where the run of clusters that continue {@code first}, which holds {@code from}, ends. */
  private long runEnd(Cluster first, long from, long limit) throws IOException {
    int size = header.clusterSize();
    long start = from & -size;
    long at = nextCluster(from);
    while (at > 0 && at < limit) {
      long table = map.table(at);
      if (table == 0 && first instanceof Cluster.Unallocated) {
        at = next(at, header.tableBits()); // a table that is not there maps nothing at all
        continue;
      }
      Cluster expected =
          first instanceof Cluster.Plain plain
              ? new Cluster.Plain(plain.offset() + (at - start))
              : first;
      if (first instanceof Cluster.Compressed || !map.cluster(table, at).equals(expected)) {
        return at;
      }
      at = nextCluster(at);
    }
    return limit;
  }

  private long nextCluster(long at) {
    return next(at, header.clusterBits());
  }

  /** The next multiple of {@code 1 << bits}; negative if there is none in 63 bits. */
  private static long next(long at, int bits) {
    return ((at >>> bits) + 1) << bits;
  }

  private void fill(Cluster cluster, long at, ByteBuffer dst) throws IOException {
    switch (cluster) {
      case Cluster.Zero zero -> zeros(dst);
      case Cluster.Plain plain -> {
        long from = plain.offset() + (at & (header.clusterSize() - 1));
        if (from > image.size() - dst.remaining()) {
          throw new FormatException(
              image.name(),
              from,
              "cluster of disk offset " + at,
              dst.remaining() + " bytes",
              "an image that ends at " + image.size());
        }
        image.read(from, dst);
      }
      case Cluster.Compressed packed ->
          dst.put(
              inflation.cluster(packed), (int) at & (header.clusterSize() - 1), dst.remaining());
      case Cluster.Unallocated none -> {
        if (backing != null && at < backing.size()) {
          int end = dst.limit();
          dst.limit(dst.position() + (int) Math.min(dst.remaining(), backing.size() - at));
          backing.read(at, dst);
          dst.limit(end);
        }
        zeros(dst); // what the backing file is shorter than its image
      }
    }
  }

  private static void zeros(ByteBuffer dst) {
    while (dst.remaining() >= 8) {
      dst.putLong(0);
    }
    while (dst.hasRemaining()) {
      dst.put((byte) 0);
    }
  }

  @Override
  public void extents(long offset, long length, Visitor visitor) throws IOException {
    BlockSources.checkRange(this, offset, length);
    var merged = new MergedExtents(visitor);
    if (walk(offset, offset + length, merged)) {
      merged.finish();
    }
  }

  private boolean walk(long from, long end, Visitor visitor) throws IOException {
    for (long at = from; at < end; ) {
      Cluster cluster = map.cluster(map.table(at), at);
      long stop = runEnd(cluster, at, end);
      boolean more =
          switch (cluster) {
            case Cluster.Zero zero -> visitor.extent(at, stop - at, Kind.ZERO);
            case Cluster.Plain plain -> visitor.extent(at, stop - at, Kind.DATA);
            case Cluster.Compressed packed -> visitor.extent(at, stop - at, Kind.DATA);
            case Cluster.Unallocated none -> below(at, stop, visitor);
          };
      if (!more) {
        return false;
      }
      at = stop;
    }
    return true;
  }

  private boolean below(long from, long end, Visitor visitor) throws IOException {
    long covered = backing == null ? from : Math.clamp(backing.size(), from, end);
    if (covered > from) {
      boolean more =
          backing instanceof Qcow2 lower
              ? lower.walk(from, covered, visitor)
              : visitor.extent(from, covered - from, Kind.DATA);
      if (!more) {
        return false;
      }
    }
    return covered == end || visitor.extent(covered, end - covered, Kind.HOLE);
  }

  @Override
  public void close() throws IOException {
    try {
      image.close();
    } finally {
      if (backing != null) {
        backing.close();
      }
    }
  }
}
