package dev.obd.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.testdata.Golden;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** The vectors of overlaybd's own tools, as the tests of the commands use them. */
final class GoldenDisks {
  private GoldenDisks() {}

  static List<JsonObject> all() throws IOException {
    JsonArray vectors =
        JsonParser.parseString(Files.readString(Golden.dir().resolve("MANIFEST.json")))
            .getAsJsonObject()
            .getAsJsonArray("vectors");
    List<JsonObject> all = new ArrayList<>();
    vectors.forEach(v -> all.add(v.getAsJsonObject()));
    return all;
  }

  static JsonObject vector(String id) throws IOException {
    return all().stream().filter(v -> id(v).equals(id)).findFirst().orElseThrow();
  }

  static String id(JsonObject vector) {
    return vector.get("id").getAsString();
  }

  static boolean damaged(JsonObject vector) {
    return vector.has("reference_rc") && vector.get("reference_rc").getAsInt() != 0;
  }

  /** SHA-256 of the disk. */
  static String disk(String id) throws IOException {
    JsonObject vector = vector(id);
    return vector
        .get(vector.has("device_sha256") ? "device_sha256" : "good_device_sha256")
        .getAsString();
  }

  static Path file(String name) {
    return Golden.dir().resolve(name);
  }

  /** A copy that may be written to: opening a writable layer may repair it. */
  static Path copy(String id, Path into) throws IOException {
    Path from = Golden.dir().resolve(id);
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path to = into.resolve(id).resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(to);
        } else {
          Files.copy(file, to);
          if (!to.toFile().setWritable(true)) {
            throw new IOException(to + ": cannot be made writable");
          }
        }
      }
    }
    return into.resolve(id);
  }

  static String sha256(Path file) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
        byte[] piece = new byte[1 << 20];
        while (in.read(piece) >= 0) {
          // the digest reads along
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
