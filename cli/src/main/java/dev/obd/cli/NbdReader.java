package dev.obd.cli;

import dev.obd.backstore.device.Export;
import dev.obd.backstore.nbd.NbdClient;
import dev.obd.format.ext4.Ext4Reader;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.files.FileType;
import dev.obd.format.files.Inode;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Reads, over an NBD socket and one after the other, the files that a start of the program reads.
 * What a start takes from {@code lib/modules} depends on the program, so of that file some pieces
 * are read, always the same.
 */
final class NbdReader implements Workload {
  private static final List<String> WHOLE =
      List.of("bin/java", "lib/jvm.cfg", "lib/server/libjvm.so", "lib/server/classes.jsa");
  private static final int PIECE = 128 << 10;
  private static final int PIECES = 150;

  private final URI where;

  NbdReader(Path dir) {
    try {
      where =
          new URI(
              "nbd+unix", null, "/", "socket=" + dir.resolve("nbd.sock").toAbsolutePath(), null);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(dir.toString(), e);
    }
  }

  @Override
  public String describe() {
    return "the files that the Java runtime reads when it starts are read over an NBD socket";
  }

  @Override
  public String run(Attachment attachment) throws IOException, InterruptedException {
    Export export = attachment.export(where);
    try (NbdDisk disk =
        new NbdDisk(NbdClient.connect(URI.create(export.address()), Duration.ofSeconds(90)))) {
      FileSystemReader files = Ext4Reader.open(disk);
      MessageDigest digest = sha256();
      long bytes = 0;
      for (FileSystemReader.Entry entry : files.list(files.resolve("lib"))) {
        Inode file = files.inode(entry.inode());
        if (file.type() == FileType.REGULAR && entry.name().endsWith(".so")) {
          bytes += read(files.content(file), digest, Integer.MAX_VALUE);
        }
      }
      for (String path : WHOLE) {
        bytes += read(files.content(files.resolve(path)), digest, Integer.MAX_VALUE);
      }
      bytes += read(files.content(files.resolve("lib/modules")), digest, PIECES);
      bytes += read(files.content(files.resolve(DemoDisk.PROGRAM)), digest, Integer.MAX_VALUE);
      return "read " + bytes + " bytes, sha256 " + HexFormat.of().formatHex(digest.digest(), 0, 8);
    }
  }

  /** Reads all of a file, or so many pieces of it. */
  private static long read(BlockSource file, MessageDigest digest, int pieces) throws IOException {
    long count = (file.size() + PIECE - 1) / PIECE;
    SplittableRandom random = new SplittableRandom(1);
    ByteBuffer buffer = ByteBuffer.allocate(PIECE);
    long bytes = 0;
    for (long i = 0; i < Math.min(count, pieces); i++) {
      long at = (count <= pieces ? i : random.nextLong(count)) * PIECE;
      buffer.clear().limit((int) Math.min(PIECE, file.size() - at));
      file.read(at, buffer);
      digest.update(buffer.flip());
      bytes += buffer.limit();
    }
    return bytes;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** The served disk as a source. */
  private record NbdDisk(NbdClient client) implements BlockSource {
    @Override
    public long size() {
      return client.size();
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      BlockSources.checkRange(this, offset, dst.remaining());
      client.read(offset, dst);
    }

    @Override
    public String name() {
      return "nbd";
    }

    @Override
    public void close() throws IOException {
      client.close();
    }
  }
}
