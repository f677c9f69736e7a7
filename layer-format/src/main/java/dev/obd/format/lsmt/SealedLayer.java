package dev.obd.format.lsmt;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import java.io.Closeable;
import java.io.IOException;
import java.util.UUID;

/**
 * A layer file that does not change any more: committed, merged or close-sealed. Immutable and
 * thread-safe; owns its source.
 */
public final class SealedLayer implements Closeable {
  /** The most index records a layer file may hold, padding included; as upstream. */
  public static final int MAX_RECORDS = 1_000_000;

  private final BlockSource source;
  private final LayerHeader header;
  private final LayerHeader trailer;
  private final SegmentIndex index;

  private SealedLayer(
      BlockSource source, LayerHeader header, LayerHeader trailer, SegmentIndex index) {
    this.source = source;
    this.header = header;
    this.trailer = trailer;
    this.index = index;
  }

  /**
   * Reads header, trailer and index of {@code plain}: one read each for a usual index. If they are
   * wrong and the source may have another copy, they are evicted and read once more.
   *
   * @param plain the LSMT stream, decompressed and unwrapped; owned by the layer from here on, but
   *     left open if this throws
   * @throws FormatException if it is no sealed layer, or a damaged one
   */
  public static SealedLayer open(BlockSource plain) throws IOException {
    try {
      return read(plain);
    } catch (FormatException e) {
      long size = plain.size();
      // A wrong record may be noticed at the next one only.
      long wrong = Math.clamp(e.offset() - Segment.BYTES, 0, size);
      boolean header = plain.evict(0, Math.min(LayerHeader.BYTES, size));
      boolean rest = plain.evict(wrong, size - wrong);
      if (!header && !rest) {
        throw e;
      }
      return read(plain);
    }
  }

  private static SealedLayer read(BlockSource plain) throws IOException {
    String blob = plain.name();
    long trailerAt = plain.size() - LayerHeader.BYTES;
    if (trailerAt < LayerHeader.BYTES) {
      throw new FormatException(
          blob, 0, "file", "at least " + 2 * LayerHeader.BYTES + " bytes", plain.size());
    }
    LayerHeader header =
        LayerHeader.decode(blob, 0, BlockSources.readFully(plain, 0, LayerHeader.BYTES));
    header.require(blob, 0, LayerHeader.HEADER, true, "a header");
    header.require(blob, 0, LayerHeader.DATA, true, "a data file");
    LayerHeader trailer =
        LayerHeader.decode(
            blob, trailerAt, BlockSources.readFully(plain, trailerAt, LayerHeader.BYTES));
    trailer.require(blob, trailerAt, LayerHeader.HEADER, false, "a trailer");
    trailer.require(blob, trailerAt, LayerHeader.DATA, true, "a data file");
    trailer.require(blob, trailerAt, LayerHeader.SEALED, true, "a sealed file");
    trailer.requireVirtualSize(blob, trailerAt);
    SegmentIndex index = new SealedIndexReader(plain, header, trailer).read();
    return new SealedLayer(plain, header, trailer, index);
  }

  /** The header; its index fields and sizes are not to be relied upon, the trailer's are. */
  public LayerHeader header() {
    return header;
  }

  /** The trailer. */
  public LayerHeader trailer() {
    return trailer;
  }

  /** What the layer maps. All tags are 0. */
  public SegmentIndex index() {
    return index;
  }

  /** The layer file, decompressed and unwrapped. */
  public BlockSource source() {
    return source;
  }

  /** The source's name. */
  public String name() {
    return source.name();
  }

  /** Size of the disk in bytes; 0 if the layer leaves that to the layers below. */
  public long virtualSize() {
    return trailer.virtualSize();
  }

  /** The layer's id. */
  public UUID uuid() {
    return trailer.uuid();
  }

  /** The id of the layer below. */
  public UUID parentUuid() {
    return trailer.parentUuid();
  }

  /** Free text given at the commit. */
  public String userTag() {
    return trailer.userTag();
  }

  @Override
  public void close() throws IOException {
    source.close();
  }
}
