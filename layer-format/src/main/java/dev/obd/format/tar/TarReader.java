package dev.obd.format.tar;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.DerivedSource;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/**
 * Finds one regular file in a tar archive by name: ustar, pax and GNU long names. Bounded: a
 * hostile archive costs at most the limits' number of reads and bytes.
 */
public final class TarReader {
  /**
   * What a search may cost.
   *
   * @param maxHeaders most headers looked at
   * @param maxExtensionBytes longest pax header or long name
   */
  public record Limits(int maxHeaders, int maxExtensionBytes) {
    /** 100,000 headers and 1 MiB: what Go's reader allows an extension. */
    public static final Limits DEFAULT = new Limits(100_000, 1 << 20);
  }

  /**
   * A regular file in an archive.
   *
   * @param name without a leading {@code ./} or {@code /}
   * @param mode permission bits
   * @param offset of the content in the archive, bytes
   * @param size of the content, bytes; it lies inside the archive
   */
  public record Member(String name, int mode, long offset, long size) {
    /** The content as part of {@code archive}; closing it closes the archive. */
    public DerivedSource of(BlockSource archive) throws IOException {
      return BlockSources.slice(archive, offset, size);
    }
  }

  private final BlockSource archive;
  private final Limits limits;
  private long at;
  private long headers;

  private TarReader(BlockSource archive, Limits limits) {
    this.archive = archive;
    this.limits = limits;
  }

  /** {@link #find(BlockSource, String, Limits)} with the default limits. */
  public static Optional<Member> find(BlockSource archive, String name) throws IOException {
    return find(archive, name, Limits.DEFAULT);
  }

  /**
   * The first regular file called {@code name}; a leading {@code ./} or {@code /} does not count.
   *
   * @throws FormatException if the archive is damaged or exceeds a limit before the file is found
   */
  public static Optional<Member> find(BlockSource archive, String name, Limits limits)
      throws IOException {
    return new TarReader(archive, limits).find(relative(name));
  }

  /** The content of a file in an archive in memory, at most {@code maxBytes} long. */
  public static Optional<byte[]> read(byte[] archive, String name, int maxBytes)
      throws IOException {
    BlockSource source = BlockSources.ofBytes("tar", ByteBuffer.wrap(archive));
    Optional<Member> member = find(source, name);
    if (member.isEmpty()) {
      return Optional.empty();
    }
    Member found = member.get();
    if (found.size > maxBytes) {
      throw new FormatException(
          source.name(), found.offset, "size of " + name, "at most " + maxBytes, found.size);
    }
    byte[] content = new byte[(int) found.size];
    source.read(found.offset, ByteBuffer.wrap(content));
    return Optional.of(content);
  }

  private Optional<Member> find(String wanted) throws IOException {
    Map<String, String> pax = Map.of();
    String longName = "";
    while (archive.size() - at >= TarHeader.BYTES) {
      TarHeader header = nextHeader();
      if (header.isZero()) {
        return Optional.empty();
      }
      long headerAt = at - TarHeader.BYTES;
      if (!header.checksumHolds()) {
        throw new FormatException(
            archive.name(), headerAt, "tar header", "a correct checksum", "another");
      }
      switch (header.type()) {
        case 'x' -> pax = Pax.parse(archive.name(), at, extension(header));
        case 'L' -> longName = untilZero(extension(header));
        case 'g', 'K' -> skip(header.size());
        default -> {
          long size =
              holdsContent(header.type())
                  ? Pax.size(archive.name(), headerAt, pax, header.size())
                  : 0;
          String name =
              relative(pax.getOrDefault("path", longName.isEmpty() ? header.name() : longName));
          if (isRegular(header.type()) && name.equals(wanted)) {
            return Optional.of(member(header, name, size, pax));
          }
          if (header.type() == 'S') {
            throw new FormatException(
                archive.name(), headerAt, "tar member " + name, "GNU sparse files are not read");
          }
          skip(size);
          pax = Map.of();
          longName = "";
        }
      }
    }
    return Optional.empty();
  }

  private Member member(TarHeader header, String name, long size, Map<String, String> pax)
      throws FormatException {
    if (pax.keySet().stream().anyMatch(key -> key.startsWith("GNU.sparse."))) {
      throw new FormatException(
          archive.name(), at, "tar member " + name, "GNU sparse files are not read");
    }
    checkInside(size);
    return new Member(name, header.mode(), at, size);
  }

  private TarHeader nextHeader() throws IOException {
    if (headers++ >= limits.maxHeaders) {
      throw new FormatException(
          archive.name(), at, "tar headers", "at most " + limits.maxHeaders, "more");
    }
    byte[] raw = new byte[TarHeader.BYTES];
    archive.read(at, ByteBuffer.wrap(raw));
    at += TarHeader.BYTES;
    return new TarHeader(archive.name(), at - TarHeader.BYTES, raw);
  }

  private byte[] extension(TarHeader header) throws IOException {
    long size = header.size();
    if (size > limits.maxExtensionBytes) {
      throw new FormatException(
          archive.name(),
          at - TarHeader.BYTES + TarHeader.Field.SIZE.at,
          "tar extension size",
          "at most " + limits.maxExtensionBytes,
          size);
    }
    checkInside(size);
    byte[] raw = new byte[(int) size];
    archive.read(at, ByteBuffer.wrap(raw));
    skip(size);
    return raw;
  }

  private void skip(long size) throws FormatException {
    checkInside(size);
    at += TarMember.align(size);
  }

  private void checkInside(long size) throws FormatException {
    if (size > archive.size() - at) {
      throw new FormatException(
          archive.name(), at, "tar member size", "at most " + (archive.size() - at), size);
    }
  }

  private static boolean isRegular(char type) {
    return type == '0' || type == 0 || type == '7';
  }

  /** Links, devices, directories and pipes have no content, whatever their size field says. */
  private static boolean holdsContent(char type) {
    return type < '1' || type > '6';
  }

  private static String relative(String name) {
    String rest = name;
    while (rest.startsWith("./") || rest.startsWith("/")) {
      rest = rest.substring(rest.startsWith("/") ? 1 : 2);
    }
    return rest;
  }

  private static String untilZero(byte[] raw) {
    int end = 0;
    while (end < raw.length && raw[end] != 0) {
      end++;
    }
    return new String(raw, 0, end, StandardCharsets.UTF_8);
  }
}
