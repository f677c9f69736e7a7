package dev.obd.backstore.upkeep;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.BlobImport;
import dev.obd.backstore.store.ImageStore;
import dev.obd.format.LayerFile;
import dev.obd.format.tar.TarOffset;
import dev.obd.io.BlockSource;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;

/** Lists, checks, fills and empties the cache. Thread-safe. */
public final class CacheUpkeep {
  /**
   * What pruning did, or would do.
   *
   * @param freedBytes of data
   * @param spared what met the conditions and could not go after all, with the reason
   */
  public record Pruned(List<CachedBlob> removed, long freedBytes, Map<String, String> spared) {}

  private final BlobCache cache;
  private final ImageStore images;
  private final Supplier<Map<String, Set<String>>> devices;
  private final InstantSource clock;

  /**
   * @param devices which devices use which layers: digest → names
   */
  public CacheUpkeep(
      BlobCache cache,
      ImageStore images,
      Supplier<Map<String, Set<String>>> devices,
      InstantSource clock) {
    this.cache = cache;
    this.images = images;
    this.devices = devices;
    this.clock = clock;
  }

  public BlobCache cache() {
    return cache;
  }

  /** Everything in the cache, what was used longest ago first. */
  public List<CachedBlob> list() throws IOException {
    return list(imagesByLayer(false));
  }

  private List<CachedBlob> list(Map<String, Set<String>> byImage) {
    Map<String, Set<String>> byDevice = devices.get();
    return cache.entries().stream()
        .map(entry -> {
          String digest = entry.digest().value();
          return new CachedBlob(
              digest,
              entry.from(),
              format(entry.digest()),
              entry.blobBytes(),
              entry.presentBytes(),
              entry.lastUse(),
              List.copyOf(byImage.getOrDefault(digest, Set.of())),
              List.copyOf(byDevice.getOrDefault(digest, Set.of())),
              entry.isInUse(),
              entry.kept());
        })
        .sorted(Comparator.comparing(CachedBlob::lastUse).thenComparing(CachedBlob::digest))
        .toList();
  }

  /** What of the blob's head is here says what it is. */
  private String format(Digest digest) {
    try {
      Optional<BlockSource> source = cache.present(digest);
      if (source.isEmpty()) {
        return "-";
      }
      try (BlockSource blob = source.get()) {
        LayerFile.Kind kind = LayerFile.inspect(blob);
        String tar = kind.tar().variant() == TarOffset.Variant.NONE ? "" : "tar+";
        return tar + (kind.zfile().isPresent() ? "zfile" : "plain");
      }
    } catch (IOException | RuntimeException e) {
      return "-";
    }
  }

  /**
   * Layers of the store's images: digest → names of images.
   *
   * @param all whether an image that cannot be read is an error, for its layers are not known
   */
  private Map<String, Set<String>> imagesByLayer(boolean all) throws IOException {
    Map<String, Set<String>> found = new HashMap<>();
    for (ImageStore.Listed listed : images.list()) {
      switch (listed) {
        case ImageStore.Stored(var image, long _) -> {
          for (Descriptor layer : image.manifest().layers()) {
            found.computeIfAbsent(layer.digest().value(), _ -> new TreeSet<>()).add(image.name());
          }
        }
        case ImageStore.Damaged(String name, var _, IOException problem) -> {
          if (all) {
            throw new IOException(
                name
                    + ": cannot be read, so what it needs is not known; pull it again or remove it: "
                    + problem.getMessage(),
                problem);
          }
        }
      }
    }
    return found;
  }

  // ---- pruning

  /**
   * Removes what {@code selection} says.
   *
   * @param dryRun only says what would be removed
   */
  public Pruned prune(Selection selection, boolean dryRun) throws IOException {
    Instant now = clock.instant();
    List<CachedBlob> all = list(imagesByLayer(!selection.all()));
    long left = all.stream().mapToLong(CachedBlob::presentBytes).sum();
    List<CachedBlob> removed = new ArrayList<>();
    Map<String, String> spared = new HashMap<>();
    Set<String> only = new HashSet<>(selection.digests());
    long freed = 0;
    for (CachedBlob blob : all) { // longest unused first
      boolean enough = left <= selection.keepBytes().orElse(-1L);
      if (enough || !selects(selection, only, blob, now)) {
        continue;
      }
      String reason = refusal(blob);
      if (reason.isEmpty() && !dryRun) {
        reason = remove(new Digest(blob.digest()));
      }
      if (reason.isEmpty()) {
        removed.add(blob);
        freed += blob.presentBytes();
        left -= blob.presentBytes();
      } else {
        spared.put(blob.digest(), reason);
      }
    }
    return new Pruned(removed, freed, spared);
  }

  private static boolean selects(
      Selection selection, Set<String> only, CachedBlob blob, Instant now) {
    return (only.isEmpty() || only.contains(blob.digest()))
        && (selection.all() || !blob.isWanted())
        && selection.olderThan().filter(age -> blob.lastUse().isAfter(now.minus(age))).isEmpty();
  }

  private static String refusal(CachedBlob blob) {
    if (blob.inUse()) {
      return "in use";
    }
    return blob.pinned() ? "pinned" : "";
  }

  private String remove(Digest digest) {
    BlobCache.Removal removal = cache.remove(digest);
    return switch (removal) {
      case REMOVED, ABSENT -> "";
      case IN_USE -> "in use";
      case KEPT -> "pinned";
      case FAILED -> "cannot be removed: see the log";
    };
  }

  // ---- the rest

  /** Checks blobs, or all of them, byte by byte; what is damaged is dropped and comes anew. */
  public List<BlobCache.Verified> verify(List<Digest> digests) throws IOException {
    List<Digest> which = digests;
    if (which.isEmpty()) {
      which =
          cache.entries().stream()
              .map(BlobCache.Entry::digest)
              .sorted(Comparator.comparing(Digest::value))
              .toList();
    }
    List<BlobCache.Verified> results = new ArrayList<>();
    for (Digest digest : which) {
      cache.verify(digest).ifPresent(results::add);
    }
    return results;
  }

  /** Brings a blob that is a file. */
  public BlobImport.Imported bring(Path file, Optional<Digest> expected) throws IOException {
    return BlobImport.run(cache, file, expected.or(() -> named(file)));
  }

  /** overlaybd's cache and OCI layouts call a blob's file by its digest. */
  private static Optional<Digest> named(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    String digest = name.startsWith("sha256:") ? name : "sha256:" + name;
    return Digest.isDigest(digest) ? Optional.of(new Digest(digest)) : Optional.empty();
  }
}
