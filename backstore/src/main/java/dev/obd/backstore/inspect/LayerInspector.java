package dev.obd.backstore.inspect;

import dev.obd.backstore.inspect.LayerReport.Compression;
import dev.obd.backstore.inspect.LayerReport.Header;
import dev.obd.backstore.inspect.LayerReport.Kind;
import dev.obd.backstore.inspect.LayerReport.Layer;
import dev.obd.backstore.inspect.LayerReport.Segments;
import dev.obd.backstore.inspect.LayerReport.Tar;
import dev.obd.format.lsmt.LayerHeader;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.format.lsmt.SegmentTotals;
import dev.obd.format.tar.TarOffset;
import dev.obd.format.zfile.Algorithm;
import dev.obd.format.zfile.ZFile;
import dev.obd.format.zfile.ZFileHeader;
import dev.obd.format.zfile.ZFileOptions;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Looks at one layer file from the outside in, as far as it is sound. */
public final class LayerInspector {
  private static final int PIECE = 1 << 20;

  /** Bits of a ZFile's flags that mean something. */
  private static final long KNOWN_FLAGS = 0x3F;

  private final BlockSource blob;
  private final List<String> warnings = new ArrayList<>();
  private Tar tar;
  private @Nullable Compression zfile;
  private @Nullable Layer lsmt;
  private boolean verified;

  private LayerInspector(BlockSource blob) {
    this.blob = blob;
    this.tar = new Tar("none", 0, blob.size());
  }

  /**
   * Looks at {@code blob}, which stays the caller's.
   *
   * @param verify reads every byte, and so checks every block's checksum; without it headers, jump
   *     table and index are checked
   * @throws IOException if it cannot be read; damage is no exception but part of the report
   */
  public static LayerReport inspect(BlockSource blob, boolean verify, Progress progress)
      throws IOException {
    var inspector = new LayerInspector(blob);
    String damage = null;
    try {
      inspector.look(verify, progress);
    } catch (FormatException e) {
      damage = e.getMessage();
    }
    return new LayerReport(
        blob.name(),
        blob.size(),
        inspector.tar,
        inspector.zfile,
        inspector.lsmt,
        inspector.verified,
        inspector.warnings,
        damage);
  }

  private void look(boolean verify, Progress progress) throws IOException {
    TarOffset.Layout layout = TarOffset.detect(blob);
    tar =
        new Tar(
            layout.variant().name().toLowerCase(Locale.ROOT),
            layout.payloadOffset(),
            layout.payloadSize());
    BlockSource plain = TarOffset.unwrap(blob);
    Optional<ZFile.Records> records = ZFile.inspect(plain);
    if (records.isPresent()) {
      zfile = compression(records.get());
      plain = ZFile.open(plain, ZFileOptions.DEFAULT);
    }
    content(plain);
    if (verify) {
      readAll(plain, progress);
      verified = true;
    }
  }

  private Compression compression(ZFile.Records records) {
    ZFileHeader used = records.used();
    ZFileHeader trailer = records.trailer();
    String algorithm =
        Algorithm.ofCode(used.algorithmCode())
            .map(a -> a.name().toLowerCase(Locale.ROOT))
            .orElse(Integer.toString(used.algorithmCode()));
    if (used.blockBytes() == 1 << 16) {
      warnings.add("blocks of 64 KiB: overlaybd cannot read one that does not shrink");
    }
    if (!used.verify()) {
      warnings.add("no checksums: damaged blocks go unnoticed unless they cannot be decompressed");
    }
    if ((records.header().flags() & ~KNOWN_FLAGS) != 0) {
      warnings.add(
          "unknown flags 0x"
              + Long.toHexString(records.header().flags() & ~KNOWN_FLAGS)
              + " in the ZFile's header: usual in files of old tools");
    }
    return new Compression(
        algorithm,
        used.blockBytes(),
        used.indexCount(),
        used.originalBytes(),
        used.verify(),
        used.hasDigest(),
        records.header().isOverwritten(),
        records.header().flags(),
        trailer == null ? null : trailer.flags(),
        used.indexOffset(),
        used.hasDigest() ? String.format("%08x", used.indexCrc()) : null,
        used.dictBytes());
  }

  private void content(BlockSource plain) throws IOException {
    ByteBuffer start =
        BlockSources.readFully(plain, 0, (int) Math.min(LayerHeader.BYTES, plain.size()));
    if (start.remaining() < LayerHeader.BYTES || !LayerHeader.matches(start)) {
      if (zfile == null) {
        throw new FormatException(
            blob.name(), tar.payloadOffset(), "magic", "a layer: neither ZFile nor LSMT");
      }
      warnings.add("the content is no LSMT layer");
      return;
    }
    LayerHeader header = LayerHeader.decode(plain.name(), 0, start);
    Header shown = header(header, 0);
    if (!header.has(LayerHeader.DATA)) {
      lsmt = layer(Kind.WRITABLE_INDEX, header, null, shown, null);
      return;
    }
    Optional<LayerHeader> trailer = trailer(plain);
    if (!header.has(LayerHeader.SEALED) && trailer.isEmpty()) {
      Kind kind = header.has(LayerHeader.SPARSE) ? Kind.WRITABLE_SPARSE : Kind.WRITABLE_DATA;
      lsmt = layer(kind, header, null, shown, null);
      return;
    }
    Kind kind = header.has(LayerHeader.SEALED) ? Kind.COMMITTED : Kind.SEALED;
    lsmt = layer(kind, header, null, shown, null);
    SealedLayer sealed = SealedLayer.open(plain);
    SegmentTotals totals = SegmentTotals.of(sealed.index());
    lsmt =
        layer(
            kind,
            sealed.trailer(),
            new Segments(
                sealed.trailer().indexCount(),
                sealed.index().count(),
                totals.dataSegments(),
                totals.zeroedSegments(),
                totals.dataBytes(),
                totals.zeroedBytes()),
            shown,
            header(sealed.trailer(), plain.size() - LayerHeader.BYTES));
    compare(sealed);
  }

  /** The last 4096 bytes, if they are an LSMT trailer. */
  private static Optional<LayerHeader> trailer(BlockSource plain) throws IOException {
    long at = plain.size() - LayerHeader.BYTES;
    if (at < LayerHeader.BYTES) {
      return Optional.empty();
    }
    ByteBuffer raw = BlockSources.readFully(plain, at, LayerHeader.BYTES);
    try {
      return Optional.of(LayerHeader.decode(plain.name(), at, raw));
    } catch (FormatException e) {
      return Optional.empty(); // a writable file ends with data
    }
  }

  private void compare(SealedLayer layer) {
    LayerHeader header = layer.header();
    LayerHeader trailer = layer.trailer();
    if (header.virtualSize() != trailer.virtualSize()) {
      warnings.add(
          "the header's virtual size is "
              + Long.toUnsignedString(header.virtualSize())
              + ", the trailer's "
              + trailer.virtualSize()
              + " counts");
    }
    if (!header.uuid().equals(trailer.uuid())) {
      warnings.add("the header's uuid is " + header.uuid() + ", the trailer's counts");
    }
    if (trailer.virtualSize() % 512 != 0) {
      warnings.add("the virtual size is no multiple of 512 bytes");
    }
    if (trailer.version() != 1 || trailer.subVersion() != 1) {
      warnings.add("LSMT version " + version(trailer) + ", known is 1.1");
    }
  }

  private static Layer layer(
      Kind kind,
      LayerHeader used,
      @Nullable Segments segments,
      Header header,
      @Nullable Header trailer) {
    return new Layer(
        kind,
        used.virtualSize(),
        id(used.uuid()),
        id(used.parentUuid()),
        used.userTag(),
        segments,
        header,
        trailer);
  }

  private static Header header(LayerHeader h, long offset) {
    return new Header(
        offset,
        h.flags(),
        h.indexOffset(),
        h.indexCount(),
        h.virtualSize(),
        id(h.uuid()),
        id(h.parentUuid()),
        version(h));
  }

  private static String version(LayerHeader h) {
    return h.version() + "." + h.subVersion();
  }

  private static @Nullable String id(UUID uuid) {
    return uuid.equals(LayerHeader.NO_UUID) ? null : uuid.toString();
  }

  private static void readAll(BlockSource plain, Progress progress) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(PIECE);
    for (long at = 0; at < plain.size(); at += piece.limit()) {
      piece.clear().limit((int) Math.min(PIECE, plain.size() - at));
      plain.read(at, piece);
      progress.at(at + piece.limit(), plain.size());
    }
  }
}
