package dev.obd.format.tar;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes archives of regular files, byte for byte as Go's {@code archive/tar} does in its USTAR
 * format with an unset modification time: what the image tools around overlaybd wrap base layers
 * and traces in.
 */
public final class TarMember {
  private TarMember() {}

  /**
   * A whole archive: header, content, padding, two zero blocks.
   *
   * @param name 1 to 100 ASCII characters, not ending in a slash
   * @param mode permission bits, 0 to 07777
   */
  public static byte[] wrap(String name, int mode, byte[] content) {
    return wrap(List.of(new File(name, mode, content)));
  }

  /**
   * A file to be wrapped.
   *
   * @param name 1 to 100 ASCII characters, not ending in a slash
   * @param mode permission bits, 0 to 07777
   */
  @SuppressWarnings("ArrayRecordComponent") // handed on to be written; nobody compares these
  public record File(String name, int mode, byte[] content) {}

  /** A whole archive of several files, in their order. */
  public static byte[] wrap(List<File> files) {
    long size = 2L * TarHeader.BYTES; // two zero blocks
    for (File file : files) {
      size += TarHeader.BYTES + align(file.content.length);
    }
    ByteBuffer archive = ByteBuffer.allocate(Math.toIntExact(size));
    for (File file : files) {
      archive.put(header(file.name, file.mode, file.content.length)).put(file.content);
      archive.position(Math.toIntExact(align(archive.position())));
    }
    return archive.array();
  }

  /**
   * The 512 bytes before the content.
   *
   * @param size bytes of content, below 8 GiB
   */
  public static byte[] header(String name, int mode, long size) {
    if (name.isEmpty()
        || name.endsWith("/")
        || !StandardCharsets.US_ASCII.newEncoder().canEncode(name)
        || name.indexOf(0) >= 0) {
      throw new IllegalArgumentException(
          "tar name: ASCII of a file expected, got \"" + name + "\"");
    }
    if (mode < 0 || mode > 07777 || size < 0 || size >= 1L << 33) {
      throw new IllegalArgumentException("tar member: mode " + mode + ", size " + size);
    }
    ByteBuffer header = ByteBuffer.allocate(TarHeader.BYTES);
    TarHeader.put(header, TarHeader.Field.NAME, name);
    TarHeader.put(header, TarHeader.Field.MODE, "%07o".formatted(mode));
    TarHeader.put(header, TarHeader.Field.UID, "%07o".formatted(0));
    TarHeader.put(header, TarHeader.Field.GID, "%07o".formatted(0));
    TarHeader.put(header, TarHeader.Field.SIZE, "%011o".formatted(size));
    TarHeader.put(header, TarHeader.Field.MTIME, "%011o".formatted(0));
    TarHeader.put(header, TarHeader.Field.TYPEFLAG, "0");
    TarHeader.put(header, TarHeader.Field.MAGIC, "ustar\0");
    TarHeader.put(header, TarHeader.Field.VERSION, "00");
    TarHeader.put(header, TarHeader.Field.DEVMAJOR, "%07o".formatted(0));
    TarHeader.put(header, TarHeader.Field.DEVMINOR, "%07o".formatted(0));
    String checksum = "%06o\0 ".formatted(TarHeader.checksum(header.array()));
    TarHeader.put(header, TarHeader.Field.CHKSUM, checksum);
    return header.array();
  }

  /** {@code bytes} rounded up to whole blocks. */
  static long align(long bytes) {
    return (bytes + TarHeader.BYTES - 1) & -TarHeader.BYTES;
  }
}
