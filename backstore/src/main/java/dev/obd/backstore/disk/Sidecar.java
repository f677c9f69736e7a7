package dev.obd.backstore.disk;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import com.google.gson.annotations.SerializedName;
import dev.obd.io.FormatException;
import dev.obd.io.PendingFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Where a disk comes from.
 *
 * @param image what the image was called
 * @param digest of it
 * @param made when, as ISO 8601
 */
record Sidecar(String image, @SerializedName("imageDigest") String digest, String made) {
  private static final int MAX_BYTES = 64 << 10;

  /** Takes the place of another of that name. */
  void write(Path file) throws IOException {
    String json =
        new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(this) + "\n";
    try (PendingFile pending = PendingFile.create(file, PendingFile.Existing.REPLACE)) {
      ByteBuffer text = StandardCharsets.UTF_8.encode(json);
      while (text.hasRemaining()) {
        pending.channel().write(text);
      }
      pending.commit();
    }
  }

  Instant madeAt() {
    try {
      return Instant.parse(made);
    } catch (DateTimeException e) {
      return Instant.EPOCH;
    }
  }

  static Sidecar read(Path file) throws IOException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MAX_BYTES);
    }
    @Nullable Sidecar read;
    try {
      read =
          new GsonBuilder()
              .create()
              .fromJson(new String(bytes, StandardCharsets.UTF_8), Sidecar.class);
    } catch (JsonParseException e) {
      throw new FormatException(file.toString(), 0, "json", String.valueOf(e.getMessage()));
    }
    return read == null
        ? new Sidecar("", "", "")
        : new Sidecar(text(read.image), text(read.digest), text(read.made));
  }

  private static String text(@Nullable String value) {
    return value == null ? "" : value;
  }
}
