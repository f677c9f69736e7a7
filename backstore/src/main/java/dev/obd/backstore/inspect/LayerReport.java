package dev.obd.backstore.inspect;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a layer file is, from the outside in. Parts that are not there, or lie behind the damage,
 * are null. Sizes and offsets are bytes.
 *
 * @param name the file
 * @param fileBytes its size
 * @param tar the wrapper
 * @param zfile the compression; null if the payload is plain
 * @param lsmt the layer; null if the content is no LSMT
 * @param verified whether every byte was read
 * @param warnings what is unusual, but no damage
 * @param damage the first thing that is wrong: where, which field, expected, actual; null if
 *     nothing is
 */
public record LayerReport(
    String name,
    long fileBytes,
    Tar tar,
    @Nullable Compression zfile,
    @Nullable Layer lsmt,
    boolean verified,
    List<String> warnings,
    @Nullable String damage) {

  /**
   * The tar around the layer.
   *
   * @param variant {@code none}, {@code ustar} or {@code pax}
   */
  public record Tar(String variant, long payloadOffset, long payloadBytes) {}

  /**
   * A ZFile's header: the one in force, which is the trailer unless the header was overwritten.
   *
   * @param algorithm {@code lz4}, {@code zstd}, or the number of an unknown one
   * @param blocks entries of the jump table
   * @param originalBytes size of the content
   * @param checksums whether each block is followed by its checksum
   * @param digests whether header and jump table have checksums
   * @param headerOverwritten whether the header has the final fields, and the trailer is not looked
   *     at
   * @param headerFlags all bits of the header's flags
   * @param trailerFlags all bits of the trailer's; null if it was not looked at
   * @param indexCrc checksum of the jump table, in hexadecimal; null without digests
   */
  public record Compression(
      String algorithm,
      int blockBytes,
      long blocks,
      long originalBytes,
      boolean checksums,
      boolean digests,
      boolean headerOverwritten,
      long headerFlags,
      @Nullable Long trailerFlags,
      long indexOffset,
      @Nullable String indexCrc,
      long dictionaryBytes) {}

  /** What kind of LSMT file it is. */
  public enum Kind {
    /** Compact, with index and trailer: what images are made of. */
    COMMITTED,
    /** A writable log that was closed for good. */
    SEALED,
    /** The data file of a writable layer; its index is a file of its own. */
    WRITABLE_DATA,
    /** The data file of a sparse writable layer. */
    WRITABLE_SPARSE,
    /** The index file of a writable layer. */
    WRITABLE_INDEX
  }

  /**
   * An LSMT file.
   *
   * @param virtualSize of the disk; 0 takes over that of the layers below
   * @param uuid null if it has none
   * @param segments what it maps; null for a writable layer, whose records are in another file
   */
  public record Layer(
      Kind kind,
      long virtualSize,
      @Nullable String uuid,
      @Nullable String parentUuid,
      String userTag,
      @Nullable Segments segments,
      Header header,
      @Nullable Header trailer) {}

  /**
   * What a layer maps.
   *
   * @param records of the index, padding included
   * @param total segments
   */
  public record Segments(
      long records, int total, int data, int zeroed, long dataBytes, long zeroedBytes) {}

  /** A header or trailer as stored. */
  public record Header(
      long offset,
      int flags,
      long indexOffset,
      long indexCount,
      long virtualSize,
      @Nullable String uuid,
      @Nullable String parentUuid,
      String version) {}

  public LayerReport {
    warnings = List.copyOf(warnings);
  }
}
