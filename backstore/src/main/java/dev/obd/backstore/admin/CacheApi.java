package dev.obd.backstore.admin;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.BlobImport;
import dev.obd.backstore.upkeep.CacheUpkeep;
import dev.obd.backstore.upkeep.CachedBlob;
import dev.obd.backstore.upkeep.Selection;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What can be asked about the cache: docs/control-api.md. The daemon answers it on its socket, and
 * a command without a daemon asks it in its own process. Thread-safe.
 */
public final class CacheApi {
  private static final long MOST_SECONDS = Duration.ofDays(36_500).toSeconds();

  private final CacheUpkeep upkeep;

  public CacheApi(CacheUpkeep upkeep) {
    this.upkeep = upkeep;
  }

  private record Blob(
      String digest,
      @Nullable String from,
      String format,
      long blobBytes,
      long presentBytes,
      String lastUse,
      List<String> images,
      List<String> devices,
      boolean inUse,
      boolean pinned) {
    static Blob of(CachedBlob blob) {
      return new Blob(
          blob.digest(),
          blob.from().isEmpty() ? null : blob.from(),
          blob.format(),
          blob.blobBytes(),
          blob.presentBytes(),
          blob.lastUse().toString(),
          blob.images(),
          blob.devices(),
          blob.inUse(),
          blob.pinned());
    }
  }

  private record Cache(String directory, long capacityBytes, long usedBytes, List<Blob> blobs) {}

  private record Prune(
      @Nullable Boolean all,
      @Nullable Long olderThanSeconds,
      @Nullable Long keepBytes,
      @Nullable List<String> digests,
      @Nullable Boolean dryRun) {}

  private record Pruned(
      boolean dryRun, List<Blob> removed, long freedBytes, Map<String, String> spared) {}

  private record Digests(@Nullable List<String> digests) {}

  private record Checked(
      String digest, long checkedBytes, long damagedBytes, boolean complete, boolean wrongDigest) {}

  private record Verified(List<Checked> blobs) {}

  private record Import(@Nullable String path, @Nullable String digest) {}

  private record Imported(String digest, long blobBytes, long keptBytes) {}

  private record Pinned(String digest, boolean pinned) {}

  /** All that is here. */
  public Answer list() throws IOException {
    List<Blob> blobs = upkeep.list().stream().map(Blob::of).toList();
    BlobCache cache = upkeep.cache();
    return Answer.json(
        new Cache(cache.directory().toString(), cache.capacityBytes(), cache.usedBytes(), blobs));
  }

  /** Removes what a body of conditions selects. */
  public Answer prune(String body) throws IOException {
    Prune prune = body.isBlank() ? new Prune(null, null, null, null, null) : parsed(body);
    for (String digest : orNone(prune.digests)) {
      Digest _ = digest(digest);
    }
    var selection =
        new Selection(
            Boolean.TRUE.equals(prune.all),
            number("olderThanSeconds", prune.olderThanSeconds, MOST_SECONDS)
                .map(Duration::ofSeconds),
            number("keepBytes", prune.keepBytes, Long.MAX_VALUE),
            orNone(prune.digests));
    boolean dryRun = Boolean.TRUE.equals(prune.dryRun);
    CacheUpkeep.Pruned pruned = upkeep.prune(selection, dryRun);
    return Answer.json(
        new Pruned(
            dryRun,
            pruned.removed().stream().map(Blob::of).toList(),
            pruned.freedBytes(),
            new TreeMap<>(pruned.spared())));
  }

  private static Prune parsed(String body) throws AdminException {
    return JsonText.parse(body, Prune.class);
  }

  private static Optional<Long> number(String field, @Nullable Long value, long most)
      throws AdminException {
    if (value != null && (value < 0 || value > most)) {
      throw new AdminException(
          400, "bad-field", field + ": expected 0 to " + most + ", got " + value);
    }
    return Optional.ofNullable(value);
  }

  private static List<String> orNone(@Nullable List<String> list) {
    return list == null ? List.of() : list;
  }

  private static Digest digest(@Nullable String text) throws AdminException {
    if (text == null || !Digest.isDigest(text)) {
      throw new AdminException(
          400, "bad-field", "digest: expected sha256:<64 hex digits>, got '" + text + "'");
    }
    return new Digest(text);
  }

  /** Checks the blobs of a body, or all. */
  public Answer verify(String body) throws IOException {
    List<Digest> digests = new ArrayList<>();
    if (!body.isBlank()) {
      for (String text : orNone(JsonText.parse(body, Digests.class).digests)) {
        digests.add(digest(text));
      }
    }
    return Answer.json(
        new Verified(
            upkeep.verify(digests).stream()
                .map(v ->
                    new Checked(
                        v.digest().value(),
                        v.checkedBytes(),
                        v.damagedBytes(),
                        v.complete(),
                        v.wrongDigest()))
                .toList()));
  }

  /** Brings the file a body names. */
  public Answer bring(String body) throws IOException {
    Import wanted = JsonText.parse(body, Import.class);
    Path path =
        ControlApi.path("path", wanted.path)
            .orElseThrow(
                () -> new AdminException(400, "bad-field", "path: expected text, got nothing"));
    Optional<Digest> expected =
        wanted.digest == null ? Optional.empty() : Optional.of(digest(wanted.digest));
    BlobImport.Imported imported = upkeep.bring(path, expected);
    return Answer.json(
        new Imported(imported.digest().value(), imported.blobBytes(), imported.keptBytes()));
  }

  /** Pins a blob, or lets it go. */
  public Answer pin(String text, boolean pinned) throws IOException {
    Digest digest = digest(text);
    if (pinned) {
      upkeep.cache().keep(digest);
    } else {
      boolean _ = upkeep.cache().unkeep(digest);
    }
    return Answer.json(new Pinned(digest.value(), pinned));
  }
}
