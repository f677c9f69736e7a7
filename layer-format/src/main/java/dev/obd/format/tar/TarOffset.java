package dev.obd.format.tar;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * Finds the layer inside a tar-wrapped blob: the first member, whatever its name and type. As the
 * original does: only POSIX ustar with a correct checksum counts as tar, and a pax header is one
 * block long. Where the original would go on with a longer one at the wrong offset, this throws.
 * Source: overlaybd 063821f, tar/tar_file.cpp.
 */
public final class TarOffset {
  private static final int PAX_AT = TarHeader.BYTES;
  private static final int MEMBER_AT = 2 * TarHeader.BYTES;
  private static final int PAX_PAYLOAD_AT = 3 * TarHeader.BYTES;

  private TarOffset() {}

  /** How a blob is wrapped. */
  public enum Variant {
    /** Not at all. */
    NONE,
    /** A ustar header, then the payload. */
    USTAR,
    /** A pax header of one block, a ustar header, then the payload. */
    PAX
  }

  /**
   * Where the payload is.
   *
   * @param variant how it is wrapped
   * @param payloadOffset bytes from the start of the blob
   * @param payloadSize bytes
   */
  public record Layout(Variant variant, long payloadOffset, long payloadSize) {}

  /**
   * The payload, or {@code source} itself if it is no tar. Closing the payload closes the source.
   *
   * @throws FormatException if it is a tar without a usable first member; the source stays open
   */
  public static BlockSource unwrap(BlockSource source) throws IOException {
    Layout layout = detect(source);
    return layout.variant == Variant.NONE
        ? source
        : BlockSources.slice(source, layout.payloadOffset, layout.payloadSize);
  }

  /**
   * Looks at the first 1536 bytes.
   *
   * @throws FormatException as {@link #unwrap}
   */
  public static Layout detect(BlockSource source) throws IOException {
    var none = new Layout(Variant.NONE, 0, source.size());
    if (source.size() < TarHeader.BYTES) {
      return none;
    }
    ByteBuffer head =
        BlockSources.readFully(source, 0, (int) Math.min(PAX_PAYLOAD_AT, source.size()));
    TarHeader first = header(source, head, 0);
    if (!first.isUstar() || !first.checksumHolds()) {
      return none;
    }
    return first.type() == 'x'
        ? pax(source, head, first)
        : layout(source, Variant.USTAR, TarHeader.BYTES, first.size());
  }

  private static Layout pax(BlockSource source, ByteBuffer head, TarHeader first)
      throws FormatException {
    if (head.limit() < PAX_PAYLOAD_AT) {
      throw new FormatException(
          source.name(), 0, "tar size", "at least " + PAX_PAYLOAD_AT, head.limit());
    }
    long paxBytes = first.size();
    if (paxBytes < 1 || paxBytes > TarHeader.BYTES) {
      throw new FormatException(
          source.name(),
          TarHeader.Field.SIZE.at,
          "size of the pax header",
          "1 to " + TarHeader.BYTES,
          paxBytes);
    }
    byte[] raw = new byte[(int) paxBytes];
    head.get(PAX_AT, raw);
    Map<String, String> records = Pax.parse(source.name(), PAX_AT, raw);
    TarHeader member = header(source, head, MEMBER_AT);
    if (!member.isUstar() || !member.checksumHolds()) {
      throw new FormatException(
          source.name(), MEMBER_AT, "tar header", "a ustar header with a correct checksum", "none");
    }
    long size = Pax.size(source.name(), PAX_AT, records, 0);
    return layout(source, Variant.PAX, PAX_PAYLOAD_AT, size > 0 ? size : member.size());
  }

  private static TarHeader header(BlockSource source, ByteBuffer head, int at) {
    byte[] raw = new byte[TarHeader.BYTES];
    head.get(at, raw);
    return new TarHeader(source.name(), at, raw);
  }

  private static Layout layout(BlockSource source, Variant variant, int offset, long size)
      throws FormatException {
    if (size > source.size() - offset) {
      throw new FormatException(
          source.name(), offset, "tar payload size", "at most " + (source.size() - offset), size);
    }
    return new Layout(variant, offset, size);
  }
}
