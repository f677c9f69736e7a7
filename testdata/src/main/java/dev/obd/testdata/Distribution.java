package dev.obd.testdata;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The registry's side of the OCI distribution API over a {@link Store}. Source: the OCI
 * Distribution Specification v1.1, and what docker-registry does where it leaves a choice.
 * Thread-safe.
 */
final class Distribution {
  private static final Pattern BLOB = Pattern.compile("/v2/(.+)/blobs/(sha256:[0-9a-f]{64})");
  private static final Pattern UPLOAD = Pattern.compile("/v2/(.+)/blobs/uploads/([^/]*)");
  private static final Pattern MANIFEST = Pattern.compile("/v2/(.+)/manifests/([^/]+)");
  private static final Pattern TAGS = Pattern.compile("/v2/(.+)/tags/list");
  private static final Pattern REFERRERS =
      Pattern.compile("/v2/(.+)/referrers/(sha256:[0-9a-f]{64})");
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d*)-(\\d*)");
  private static final int MAX_MANIFEST = 4 << 20;

  private final Store store;
  private final boolean listsReferrers;
  private final Map<String, Upload> uploads = new ConcurrentHashMap<>();

  /**
   * @param listsReferrers as registries of version 1.1 do
   */
  Distribution(Store store, boolean listsReferrers) {
    this.store = store;
    this.listsReferrers = listsReferrers;
  }

  /** The repository that a path is about, or null. */
  static @Nullable String repository(String path) {
    for (Pattern pattern : List.of(BLOB, UPLOAD, MANIFEST, TAGS, REFERRERS)) {
      Matcher matcher = pattern.matcher(path);
      if (matcher.matches()) {
        return matcher.group(1);
      }
    }
    return null;
  }

  /** Answers a request; Location fields are paths. */
  Reply answer(Call call, InputStream body) throws IOException {
    String path = call.path();
    if (path.equals("/v2/") || path.equals("/v2")) {
      return new Reply(200).json("{}");
    }
    Matcher upload = UPLOAD.matcher(path);
    if (upload.matches()) {
      return upload(call, upload.group(1), upload.group(2), body);
    }
    Matcher blob = BLOB.matcher(path);
    if (blob.matches()) {
      return blob(call, blob.group(1), blob.group(2));
    }
    Matcher manifest = MANIFEST.matcher(path);
    if (manifest.matches()) {
      return manifest(call, manifest.group(1), manifest.group(2), body);
    }
    Matcher tags = TAGS.matcher(path);
    if (tags.matches()) {
      return tags(call, tags.group(1));
    }
    Matcher referrers = REFERRERS.matcher(path);
    if (listsReferrers && referrers.matches()) {
      return new Reply(200)
          .json(new Gson().toJson(store.referrers(referrers.group(1), referrers.group(2))))
          .with("Content-Type", "application/vnd.oci.image.index.v1+json");
    }
    return Reply.error(404, "NOT_FOUND", path);
  }

  private Reply blob(Call call, String repository, String digest) {
    if (call.method().equals("DELETE")) {
      return store.delete(repository, digest)
          ? new Reply(202)
          : Reply.error(404, "BLOB_UNKNOWN", digest);
    }
    Content content = store.blob(repository, digest);
    if (content == null) {
      return Reply.error(404, "BLOB_UNKNOWN", digest);
    }
    return ranged(call, content)
        .with("Content-Type", "application/octet-stream")
        .with("Docker-Content-Digest", digest)
        .with("Accept-Ranges", "bytes");
  }

  /** The part of {@code content} that the Range field asks for (RFC 9110 §14). */
  static Reply ranged(Call call, Content content) {
    Matcher range = RANGE.matcher(String.valueOf(call.range()));
    long size = content.size();
    if (!range.matches() || (range.group(1).isEmpty() && range.group(2).isEmpty())) {
      return new Reply(200).whole(content);
    }
    long first;
    long last = size - 1;
    if (range.group(1).isEmpty()) {
      first = Math.max(0, size - Long.parseLong(range.group(2)));
    } else {
      first = Long.parseLong(range.group(1));
      if (!range.group(2).isEmpty()) {
        last = Math.min(last, Long.parseLong(range.group(2)));
      }
    }
    if (first >= size || first > last) {
      return Reply.error(416, "RANGE_INVALID", call.range() + " of " + size)
          .with("Content-Range", "bytes */" + size);
    }
    return new Reply(206)
        .with("Content-Range", "bytes " + first + "-" + last + "/" + size)
        .part(content, first, last - first + 1);
  }

  private Reply manifest(Call call, String repository, String reference, InputStream body)
      throws IOException {
    return switch (call.method()) {
      case "PUT" -> putManifest(call, repository, reference, body);
      case "DELETE" ->
          store.deleteManifest(repository, reference)
              ? new Reply(202)
              : Reply.error(404, "MANIFEST_UNKNOWN", reference);
      default -> getManifest(repository, reference);
    };
  }

  private Reply getManifest(String repository, String reference) {
    Store.Manifest found = store.manifest(repository, reference);
    if (found == null) {
      return Reply.error(404, "MANIFEST_UNKNOWN", reference);
    }
    return new Reply(200)
        .with("Content-Type", found.mediaType())
        .with("Docker-Content-Digest", found.digest())
        .whole(found.content());
  }

  private Reply putManifest(Call call, String repository, String reference, InputStream body)
      throws IOException {
    byte[] bytes = body.readNBytes(MAX_MANIFEST + 1);
    if (bytes.length > MAX_MANIFEST) {
      return Reply.error(413, "SIZE_INVALID", "manifest larger than " + MAX_MANIFEST);
    }
    if (reference.contains(":") && !Store.digest(bytes).equals(reference)) {
      return Reply.error(400, "DIGEST_INVALID", reference);
    }
    try {
      List<String> missing = store.missing(repository, bytes);
      if (!missing.isEmpty()) {
        return Reply.error(400, "MANIFEST_BLOB_UNKNOWN", missing.toString());
      }
    } catch (JsonParseException | IllegalStateException | NullPointerException e) {
      return Reply.error(400, "MANIFEST_INVALID", e.toString());
    }
    String type = call.headers().getOrDefault("content-type", "application/octet-stream");
    Store.Manifest stored = store.putManifest(repository, reference, type, bytes);
    return new Reply(201)
        .with("Location", "/v2/" + repository + "/manifests/" + stored.digest())
        .with("Docker-Content-Digest", stored.digest());
  }

  private Reply tags(Call call, String repository) {
    List<String> all = store.tags(repository);
    if (all == null) {
      return Reply.error(404, "NAME_UNKNOWN", repository);
    }
    String after = call.query().getOrDefault("last", "");
    List<String> rest = all.stream().filter(tag -> tag.compareTo(after) > 0).toList();
    String limit = call.query().get("n");
    List<String> page =
        limit == null ? rest : rest.subList(0, Math.min(rest.size(), Integer.parseInt(limit)));
    var names = new JsonArray();
    page.forEach(names::add);
    var list = new JsonObject();
    list.addProperty("name", repository);
    list.add("tags", names);
    Reply reply = new Reply(200).json(new Gson().toJson(list));
    if (page.size() < rest.size() && !page.isEmpty()) {
      reply.with(
          "Link",
          "</v2/%s/tags/list?n=%s&last=%s>; rel=\"next\""
              .formatted(repository, limit, page.getLast()));
    }
    return reply;
  }

  private Reply upload(Call call, String repository, String id, InputStream body)
      throws IOException {
    if (call.method().equals("POST") && id.isEmpty()) {
      return startUpload(call, repository, body);
    }
    Upload upload = uploads.get(id);
    if (upload == null || !upload.repository.equals(repository)) {
      return Reply.error(404, "BLOB_UPLOAD_UNKNOWN", id);
    }
    synchronized (upload) {
      return switch (call.method()) {
        case "GET" -> accepted(204, upload);
        case "DELETE" -> {
          uploads.remove(id);
          yield new Reply(204);
        }
        case "PATCH" -> append(call, upload, body);
        case "PUT" -> {
          upload.append(body);
          yield finish(call, upload);
        }
        default -> Reply.error(405, "UNSUPPORTED", call.method());
      };
    }
  }

  private static Reply append(Call call, Upload upload, InputStream body) throws IOException {
    String range = call.headers().get("content-range");
    if (range != null && !range.replace("bytes ", "").startsWith(upload.size + "-")) {
      return Reply.error(416, "RANGE_INVALID", range + " after " + upload.size)
          .with("Location", upload.location())
          .with("Range", upload.range());
    }
    upload.append(body);
    return accepted(202, upload);
  }

  private Reply startUpload(Call call, String repository, InputStream body) throws IOException {
    String mount = call.query().get("mount");
    String from = call.query().get("from");
    if (mount != null && from != null && store.mount(from, repository, mount)) {
      return created(repository, mount);
    }
    String id = UUID.randomUUID().toString();
    var upload = new Upload(repository, id, store.newUpload(id));
    uploads.put(id, upload);
    if (call.query().containsKey("digest")) {
      upload.append(body);
      return finish(call, upload);
    }
    return accepted(202, upload);
  }

  private Reply finish(Call call, Upload upload) throws IOException {
    uploads.remove(upload.id);
    String expected = call.query().getOrDefault("digest", "");
    Content content = upload.content();
    String actual = Store.digest(content);
    if (!actual.equals(expected)) {
      return Reply.error(400, "DIGEST_INVALID", "expected " + expected + ", got " + actual);
    }
    store.put(
        upload.repository,
        actual,
        upload.file == null ? content : store.adopt(upload.file, actual));
    return created(upload.repository, actual);
  }

  private static Reply created(String repository, String digest) {
    return new Reply(201)
        .with("Location", "/v2/" + repository + "/blobs/" + digest)
        .with("Docker-Content-Digest", digest);
  }

  private static Reply accepted(int status, Upload upload) {
    return new Reply(status)
        .with("Location", upload.location())
        .with("Range", upload.range())
        .with("Docker-Upload-UUID", upload.id);
  }

  /** A blob on its way in. Guarded by itself. */
  private static final class Upload {
    final String repository;
    final String id;
    final @Nullable Path file;
    private final ByteArrayOutputStream memory = new ByteArrayOutputStream();
    long size;

    Upload(String repository, String id, @Nullable Path file) {
      this.repository = repository;
      this.id = id;
      this.file = file;
    }

    /** Keeps what arrives even if the connection breaks, as registries do. */
    void append(InputStream body) throws IOException {
      try (OutputStream out = file == null ? memory : appending(file)) {
        var slice = new byte[64 << 10];
        for (int n; (n = body.read(slice)) > 0; ) {
          out.write(slice, 0, n);
          size += n;
        }
      }
    }

    private static OutputStream appending(Path file) throws IOException {
      return Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    Content content() throws IOException {
      if (file == null) {
        return Content.of(memory.toByteArray());
      }
      append(InputStream.nullInputStream()); // an empty blob has a file too
      return Content.of(file);
    }

    String location() {
      return "/v2/" + repository + "/blobs/uploads/" + id + "?_state=" + size;
    }

    String range() {
      return "0-" + Math.max(0, size - 1);
    }
  }
}
