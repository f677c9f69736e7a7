package dev.obd.format.lsmt;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ExtentMap;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A disk made of sealed layers: for each sector the topmost layer that says something about it
 * wins, and what no layer mentions is zeros. Immutable and thread-safe; owns its layers.
 */
public final class LayerStack implements BlockSource, ExtentMap {
  /** The most layers a stack holds. */
  public static final int MAX_LAYERS = 255;

  /** Receives the ranges of layer files that a range of the disk needs. */
  @FunctionalInterface
  public interface LayerRangeVisitor {
    /**
     * Takes one range; returns false to stop.
     *
     * @param layer which layer, 0 the lowest
     * @param offset bytes in {@link SealedLayer#source()}
     * @param length bytes
     */
    boolean range(int layer, long offset, long length) throws IOException;
  }

  private final List<SealedLayer> topFirst;
  private final BlockSource[] sources;
  private final SegmentIndex index;
  private final long size;

  private LayerStack(List<SealedLayer> topFirst, SegmentIndex index, long size) {
    this.topFirst = topFirst;
    this.sources = topFirst.stream().map(SealedLayer::source).toArray(BlockSource[]::new);
    this.index = index;
    this.size = size;
  }

  /**
   * Stacks 1 to {@link #MAX_LAYERS} layers. The size is that of the topmost layer that has one. The
   * parent ids are not checked, as upstream.
   *
   * @param lowestFirst owned by the stack from here on, but left open if this throws
   * @throws IOException if there are too many layers or index records
   */
  public static LayerStack open(List<SealedLayer> lowestFirst) throws IOException {
    if (lowestFirst.isEmpty() || lowestFirst.size() > MAX_LAYERS) {
      throw new IOException(
          "layer stack: 1 to " + MAX_LAYERS + " layers expected, got " + lowestFirst.size());
    }
    List<SealedLayer> topFirst = List.copyOf(lowestFirst.reversed());
    long size = 0;
    for (SealedLayer layer : lowestFirst) {
      size = layer.virtualSize() > 0 ? layer.virtualSize() : size;
    }
    return new LayerStack(
        topFirst, SegmentIndex.merge(topFirst.stream().map(SealedLayer::index).toList()), size);
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    fill(offset, dst);
  }

  /** {@link #read} without regard to this stack's size: an upper layer may be larger. */
  void fill(long offset, ByteBuffer dst) throws IOException {
    int limit = dst.limit();
    var walk = new IndexWalk(index, offset, dst.remaining());
    try {
      while (walk.next()) {
        int n = (int) walk.length();
        if (walk.kind() == Kind.DATA) {
          dst.limit(dst.position() + n);
          sources[walk.tag()].read(walk.dataOffset(), dst);
          dst.limit(limit);
        } else {
          Zeros.put(dst, n);
        }
      }
    } finally {
      dst.limit(limit);
    }
  }

  @Override
  public void extents(long offset, long length, Visitor visitor) throws IOException {
    BlockSources.checkRange(this, offset, length);
    var joined = new ExtentJoiner(visitor);
    if (visit(offset, length, joined)) {
      joined.finish();
    }
  }

  /** Extents without regard to this stack's size; false if the visitor stopped. */
  boolean visit(long offset, long length, ExtentJoiner joined) throws IOException {
    var walk = new IndexWalk(index, offset, length);
    while (walk.next()) {
      if (!joined.add(walk.offset(), walk.length(), walk.kind())) {
        return false;
      }
    }
    return true;
  }

  /**
   * Visits what must be read to serve {@code [offset, offset + length)} of the disk, in disk order.
   * What lies outside the disk needs nothing.
   */
  public void forEachLayerRange(long offset, long length, LayerRangeVisitor visitor)
      throws IOException {
    long from = Math.max(0, offset);
    var walk = new IndexWalk(index, from, Math.min(size, offset + length) - from);
    while (walk.next()) {
      if (walk.kind() == Kind.DATA
          && !visitor.range(topFirst.size() - 1 - walk.tag(), walk.dataOffset(), walk.length())) {
        return;
      }
    }
  }

  /** The layers, lowest first. */
  public List<SealedLayer> layers() {
    return topFirst.reversed();
  }

  /** The merged index; tag 0 is the top layer. */
  public SegmentIndex index() {
    return index;
  }

  /** The layer files; the place of each is its tag. */
  BlockSource[] sourcesByTag() {
    return sources.clone();
  }

  @Override
  public String name() {
    return topFirst.getFirst().name()
        + (topFirst.size() == 1 ? "" : " on " + (topFirst.size() - 1) + " layers");
  }

  @Override
  public boolean evict(long offset, long length) throws IOException {
    boolean[] any = {false};
    forEachLayerRange(
        offset,
        length,
        (layer, at, n) -> {
          any[0] |= sources[sources.length - 1 - layer].evict(at, n);
          return true;
        });
    return any[0];
  }

  @Override
  public void close() throws IOException {
    Closing.all(new ArrayList<>(topFirst));
  }
}
