package dev.obd.testdata;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link FaultyRegistry} holds: blobs, which repositories may show them, manifests and tags.
 * In memory, or pushed blobs as files of a directory ({@code blobs/sha256/HEX}). Thread-safe.
 */
final class Store {
  /** A manifest with the type it was pushed under. */
  record Manifest(String digest, String mediaType, Content content) {}

  private final @Nullable Path directory;
  private final Map<String, Content> blobs = new ConcurrentHashMap<>();
  private final Map<String, Set<String>> linked = new ConcurrentHashMap<>();
  private final Map<String, Map<String, Manifest>> manifests = new ConcurrentHashMap<>();
  private final Map<String, SortedMap<String, String>> tags = new ConcurrentHashMap<>();

  Store(@Nullable Path directory) {
    this.directory = directory;
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static String digest(byte[] bytes) {
    return "sha256:" + HexFormat.of().formatHex(sha256().digest(bytes));
  }

  static String digest(Content content) {
    MessageDigest sha = sha256();
    var slice = new byte[64 << 10];
    try {
      for (long at = 0; at < content.size(); at += slice.length) {
        int n = (int) Math.min(slice.length, content.size() - at);
        content.read(at, slice, n);
        sha.update(slice, 0, n);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "sha256:" + HexFormat.of().formatHex(sha.digest());
  }

  /** Where the bytes of a new upload go; null: into memory. */
  @Nullable Path newUpload(String id) throws IOException {
    if (directory == null) {
      return null;
    }
    Files.createDirectories(directory.resolve("uploads"));
    return directory.resolve("uploads").resolve(id);
  }

  /** Takes the file of a finished upload under its digest. */
  Content adopt(Path upload, String digest) throws IOException {
    if (directory == null) {
      throw new IllegalStateException("a store in memory has no files");
    }
    Path blob = directory.resolve("blobs/sha256").resolve(digest.substring(7));
    Files.createDirectories(directory.resolve("blobs/sha256"));
    Files.move(upload, blob, StandardCopyOption.REPLACE_EXISTING);
    return Content.of(blob);
  }

  void put(String repository, String digest, Content content) {
    blobs.put(digest, content);
    link(repository, digest);
  }

  private void link(String repository, String digest) {
    linked.computeIfAbsent(repository, r -> ConcurrentHashMap.newKeySet()).add(digest);
  }

  /** Shows a blob of one repository in another; false if the first has it not. */
  boolean mount(String from, String to, String digest) {
    if (blob(from, digest) == null) {
      return false;
    }
    link(to, digest);
    return true;
  }

  @Nullable Content blob(String repository, String digest) {
    return linked.getOrDefault(repository, Set.of()).contains(digest) ? blobs.get(digest) : null;
  }

  /** The blob, in whatever repository. */
  @Nullable Content blob(String digest) {
    return blobs.get(digest);
  }

  boolean delete(String repository, String digest) {
    return linked.getOrDefault(repository, Set.of()).remove(digest);
  }

  /** Stores a manifest under its digest and, if {@code reference} is a tag, under that. */
  Manifest putManifest(String repository, String reference, String mediaType, byte[] bytes) {
    var manifest = new Manifest(digest(bytes), mediaType, Content.of(bytes));
    manifests
        .computeIfAbsent(repository, r -> new ConcurrentHashMap<>())
        .put(manifest.digest, manifest);
    if (!reference.contains(":")) {
      tags.computeIfAbsent(repository, r -> new ConcurrentSkipListMap<>())
          .put(reference, manifest.digest);
    }
    return manifest;
  }

  /** Digests that a manifest names and the repository lacks. */
  List<String> missing(String repository, byte[] manifest) {
    var missing = new ArrayList<String>();
    JsonObject json =
        JsonParser.parseString(new String(manifest, StandardCharsets.UTF_8)).getAsJsonObject();
    var named = new ArrayList<JsonElement>();
    if (json.has("config")) {
      named.add(json.get("config"));
    }
    for (String list : List.of("layers", "blobs")) {
      if (json.has(list)) {
        json.getAsJsonArray(list).forEach(named::add);
      }
    }
    for (JsonElement descriptor : named) {
      String digest = descriptor.getAsJsonObject().get("digest").getAsString();
      if (blob(repository, digest) == null) {
        missing.add(digest);
      }
    }
    if (json.has("manifests")) {
      for (JsonElement descriptor : json.getAsJsonArray("manifests")) {
        String digest = descriptor.getAsJsonObject().get("digest").getAsString();
        if (manifest(repository, digest) == null) {
          missing.add(digest);
        }
      }
    }
    return missing;
  }

  @Nullable Manifest manifest(String repository, String reference) {
    String digest =
        reference.contains(":")
            ? reference
            : tags.getOrDefault(repository, new ConcurrentSkipListMap<>()).get(reference);
    return digest == null ? null : manifests.getOrDefault(repository, Map.of()).get(digest);
  }

  /** An index of the manifests whose subject is {@code digest}. */
  JsonObject referrers(String repository, String digest) {
    var list = new JsonArray();
    for (Manifest manifest : manifests.getOrDefault(repository, Map.of()).values()) {
      JsonObject json = json(manifest);
      JsonElement subject = json.get("subject");
      if (subject != null && subject.getAsJsonObject().get("digest").getAsString().equals(digest)) {
        var entry = new JsonObject();
        entry.addProperty("mediaType", manifest.mediaType);
        entry.addProperty("digest", manifest.digest);
        entry.addProperty("size", manifest.content.size());
        entry.add("artifactType", json.get("artifactType"));
        list.add(entry);
      }
    }
    var index = new JsonObject();
    index.addProperty("schemaVersion", 2);
    index.addProperty("mediaType", "application/vnd.oci.image.index.v1+json");
    index.add("manifests", list);
    return index;
  }

  private static JsonObject json(Manifest manifest) {
    var bytes = new byte[(int) manifest.content.size()];
    try {
      manifest.content.read(0, bytes, bytes.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8)).getAsJsonObject();
  }

  boolean deleteManifest(String repository, String reference) {
    Manifest manifest = manifest(repository, reference);
    if (manifest == null) {
      return false;
    }
    if (reference.contains(":")) {
      manifests.getOrDefault(repository, Map.of()).remove(reference);
      tags.getOrDefault(repository, new ConcurrentSkipListMap<>())
          .values()
          .removeIf(manifest.digest::equals);
    } else {
      tags.getOrDefault(repository, new ConcurrentSkipListMap<>()).remove(reference);
    }
    return true;
  }

  /** A repository's tags in order; null if there is no such repository. */
  @Nullable List<String> tags(String repository) {
    SortedMap<String, String> known = tags.get(repository);
    return known == null ? null : List.copyOf(known.keySet());
  }
}
