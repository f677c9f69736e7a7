package dev.obd.backstore.build;

import dev.obd.io.ByteSink;
import dev.obd.io.PendingFile;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.OverlaybdAnnotations;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Packs an LSMT stream as images carry it: tar around ZFile around LSMT. */
public final class LayerPacker {
  private static final int COPY_BYTES = 1 << 20;

  /** Writes an LSMT stream. */
  @FunctionalInterface
  public interface LayerWriter {
    void write(ByteSink out) throws IOException;
  }

  private LayerPacker() {}

  /** Writes {@code layer} to {@code file} and describes it. On failure no file is left. */
  public static LayerBlob pack(Path file, PackOptions options, LayerWriter layer)
      throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    var output =
        new OutputOptions(Optional.of(options.zfile()), true, PendingFile.Existing.REPLACE);
    try (ByteSink out = LayerOutput.open(file, output)) {
      layer.write(out);
      out.finish();
    }
    return describe(file);
  }

  /** Describes a blob that lies in {@code file} already. */
  public static LayerBlob describe(Path file) throws IOException {
    long size = Files.size(file);
    Digest digest = digest(file);
    Map<String, String> annotations = new LinkedHashMap<>();
    annotations.put(OverlaybdAnnotations.BLOB_DIGEST, digest.value());
    annotations.put(OverlaybdAnnotations.BLOB_SIZE, Long.toString(size));
    annotations.put(OverlaybdAnnotations.VERSION, OverlaybdAnnotations.VERSION_NATIVE);
    return new LayerBlob(file, new Descriptor(MediaTypes.OCI_LAYER, digest, size, annotations));
  }

  /** The SHA-256 of a file. */
  static Digest digest(Path file) throws IOException {
    MessageDigest sha256;
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
    ByteBuffer buffer = ByteBuffer.allocate(COPY_BYTES);
    try (FileChannel channel = FileChannel.open(file)) {
      while (channel.read(buffer.clear()) >= 0) {
        sha256.update(buffer.flip());
      }
    }
    return new Digest("sha256:" + HexFormat.of().formatHex(sha256.digest()));
  }
}
