package dev.obd.backstore.build;

import dev.obd.format.lsmt.CommitOptions;
import dev.obd.format.lsmt.HotLayerWriter;
import dev.obd.format.lsmt.LayerHeader;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.io.BlockSource;
import dev.obd.io.ByteSink;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Manifest;
import dev.obd.registry.ObdAnnotations;
import dev.obd.registry.OverlaybdAnnotations;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * The layer that repeats what a start reads, in the order in which it does, so that one request
 * from front to back serves the start. It lies above the layers it repeats and below the trace
 * layer. Tools that do not know it treat it as any layer. Layout: docs/formats/oci.md.
 */
final class HotLayer {
  /** In the image's history, and in the layer. */
  static final String CREATED_BY = "Hot Layer";

  private static final int COMPARED_BYTES = 1 << 20;
  private static final int SECTOR = 512;

  private HotLayer() {}

  /** True if the topmost data layer says that it is a hot layer. */
  static boolean isOnTop(List<Descriptor> dataLayers) {
    return !dataLayers.isEmpty() && ObdAnnotations.isHot(dataLayers.getLast());
  }

  /**
   * Refuses a hot layer that lies.
   *
   * @param layers of an image, lowest first, the hot layer on top; stay the caller's
   * @throws FormatException if the disk would be another one without the top layer
   */
  static void requireRepeats(List<SealedLayer> layers) throws IOException {
    SealedLayer hot = layers.getLast();
    if (layers.size() == 1) {
      throw new FormatException(hot.name(), 0, "hot layer", "layers below it", "none");
    }
    // Not closed: it owns the layers, which are the caller's.
    LayerStack below = LayerStack.open(layers.subList(0, layers.size() - 1));
    if (hot.virtualSize() != below.size()) {
      throw new FormatException(
          hot.name(),
          0,
          "hot layer: virtualSize",
          "that below, " + below.size(),
          hot.virtualSize());
    }
    LayerStack alone = LayerStack.open(List.of(hot));
    hot.index()
        .forEach((first, count, data, zeroed, tag) -> {
          compare(alone, below, first * SECTOR, count * (long) SECTOR);
          return true;
        });
  }

  private static void compare(LayerStack hot, LayerStack below, long offset, long length)
      throws IOException {
    long end = Math.min(offset + length, below.size());
    for (long at = offset; at < end; at += COMPARED_BYTES) {
      int bytes = (int) Math.min(COMPARED_BYTES, end - at);
      int differs = read(hot, at, bytes).mismatch(read(below, at, bytes));
      if (differs >= 0) {
        throw new FormatException(
            hot.name(),
            at + differs,
            "hot layer: the disk's byte there",
            "that of the layers below",
            "another one: it is no hot layer");
      }
    }
  }

  private static ByteBuffer read(BlockSource source, long offset, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    source.read(offset, buffer);
    return buffer.flip();
  }

  /**
   * Writes the LSMT stream of a hot layer.
   *
   * @param manifest of the image without it and without a trace: its layers give the id
   * @param parent the id of the layer below
   * @return its length
   */
  static long write(
      BlockSource disk, List<Range> parts, Manifest manifest, UUID parent, ByteSink out)
      throws IOException {
    CommitOptions options =
        CommitOptions.NONE.withUuid(id(manifest, parts)).withUserTag(CREATED_BY);
    HotLayerWriter.write(
        disk,
        parts,
        parent.equals(LayerHeader.NO_UUID) ? options : options.withParentUuid(parent),
        out);
    return out.position();
  }

  /** The layers below and the parts determine every byte, so that they can name it. */
  private static UUID id(Manifest manifest, List<Range> parts) {
    MessageDigest sha256;
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
    for (Descriptor layer : manifest.layers()) {
      sha256.update(layer.digest().value().getBytes(StandardCharsets.UTF_8));
    }
    ByteBuffer numbers = ByteBuffer.allocate(2 * Long.BYTES);
    for (Range part : parts) {
      sha256.update(numbers.clear().putLong(part.offset()).putLong(part.length()).flip());
    }
    ByteBuffer hash = ByteBuffer.wrap(sha256.digest());
    return new UUID(hash.getLong(), hash.getLong());
  }

  /** The blob with what marks it; the file system is the one of the layer {@code below}. */
  static LayerBlob marked(LayerBlob blob, Descriptor below) {
    Map<String, String> annotations = new LinkedHashMap<>(blob.descriptor().annotations());
    below
        .annotation(OverlaybdAnnotations.BLOB_FS_TYPE)
        .ifPresent(type -> annotations.put(OverlaybdAnnotations.BLOB_FS_TYPE, type));
    annotations.put(ObdAnnotations.HOT_LAYER, OverlaybdAnnotations.YES);
    return new LayerBlob(blob.file(), blob.descriptor().withAnnotations(annotations));
  }

  /**
   * What a start reads of the image once the hot layer is there: what opening the layers below
   * reads, as before, and then the hot layer.
   *
   * @param opening what was read of the layers below apart from the disk's data
   * @param layer the hot layer's number
   * @param dataBytes what it repeats
   * @param streamBytes its LSMT stream
   */
  static Trace trace(List<Access> opening, int layer, long dataBytes, long streamBytes) {
    List<Access> all = new ArrayList<>(opening);
    long data = LayerHeader.BYTES;
    long index = data + dataBytes;
    all.add(new Access(layer, 0, data));
    add(all, layer, streamBytes - LayerHeader.BYTES, LayerHeader.BYTES);
    add(all, layer, index, streamBytes - LayerHeader.BYTES - index);
    add(all, layer, data, dataBytes);
    return Trace.of(all);
  }

  private static void add(List<Access> all, int layer, long offset, long length) {
    for (long done = 0; done < length; done += TraceFile.MAX_RECORD_LENGTH) {
      long bytes = Math.min(TraceFile.MAX_RECORD_LENGTH, length - done);
      all.add(new Access(layer, offset + done, bytes));
    }
  }
}
