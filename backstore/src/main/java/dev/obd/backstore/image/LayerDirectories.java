package dev.obd.backstore.image;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.obd.io.PendingFile;
import dev.obd.io.PendingFile.Existing;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A directory of layer directories, and the configuration that makes an image of them. */
public final class LayerDirectories {
  private static final String CONFIG = "config.v1.json";

  private LayerDirectories() {}

  /**
   * Writes the {@code config.v1.json} of an image all of whose layers are in {@link
   * WholeLayers#directory}s of {@code parent}; with absolute paths, as overlaybd wants them.
   *
   * @return where it is
   */
  public static Path describe(ImagePlan plan, Path parent) throws IOException {
    var lowers = new JsonArray();
    for (LayerOrigin layer : plan.lowers()) {
      Digest digest = layer.digest().orElseThrow();
      Path directory = WholeLayers.directory(parent.toAbsolutePath().normalize(), digest);
      var lower = new JsonObject();
      lower.addProperty("digest", digest.value());
      lower.addProperty("size", Files.size(directory.resolve("overlaybd.commit")));
      lower.addProperty("dir", directory.toString());
      lowers.add(lower);
    }
    var config = new JsonObject();
    config.addProperty("repoBlobUrl", "");
    config.add("lowers", lowers);
    String text = new GsonBuilder().setPrettyPrinting().create().toJson(config) + "\n";
    Path path = parent.resolve(CONFIG);
    try (PendingFile file = PendingFile.create(path, Existing.REPLACE)) {
      ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
      while (bytes.hasRemaining()) {
        file.channel().write(bytes);
      }
      file.commit();
    }
    return path;
  }
}
