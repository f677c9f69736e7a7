package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The on-disk cache of blobs in one directory: {@code sha256:<hex>}, a sparse file with the raw
 * blob's offsets, and {@code sha256:<hex>.map} beside it (docs/formats/cache.md). Survives
 * restarts, crashes and other processes using the same directory. Thread-safe.
 */
public final class BlobCache implements Closeable {
  private static final Pattern MAP_NAME = Pattern.compile("(sha256:[0-9a-f]{64})\\.map");

  /** Two per blob that is read just now; thousands may be in use. */
  private static final int OPEN_FILES = 512;

  private static final Logger log = LogManager.getLogger(BlobCache.class);

  /**
   * What is kept of one blob.
   *
   * @param blobBytes the whole blob
   * @param presentBytes what is on disk, in whole units
   */
  public record Entry(Digest digest, long blobBytes, long presentBytes) {}

  private final CacheContext context;
  private final DirectoryLock lock;
  private final Map<Digest, BlobFile> blobs = new HashMap<>(); // guarded by this

  private BlobCache(CacheContext context, DirectoryLock lock) {
    this.context = context;
    this.lock = lock;
  }

  /**
   * Opens the cache in {@code config.directory()}, counting what is there. A directory that cannot
   * be used is not an error: then nothing is kept, which is logged once.
   */
  public static BlobCache open(CacheConfig config, Ticker ticker) {
    return open(config, ticker, HolePuncher.system());
  }

  /** As {@link #open(CacheConfig, Ticker)}, with another way to free space. */
  public static BlobCache open(CacheConfig config, Ticker ticker, HolePuncher puncher) {
    return open(config, ticker, puncher, CacheFiles.DISK);
  }

  /** As {@link #open(CacheConfig, Ticker)}; {@code events} is told what the cache does. */
  public static BlobCache open(CacheConfig config, Ticker ticker, CacheEvents events) {
    return open(config, ticker, HolePuncher.system(), CacheFiles.DISK, events);
  }

  static BlobCache open(CacheConfig config, Ticker ticker, HolePuncher puncher, CacheFiles files) {
    return open(config, ticker, puncher, files, CacheEvents.NONE);
  }

  private static BlobCache open(
      CacheConfig config,
      Ticker ticker,
      HolePuncher puncher,
      CacheFiles files,
      CacheEvents events) {
    CacheStats stats = new CacheStats(ticker);
    DiskHealth health = new DiskHealth(config.directory(), ticker, stats);
    try {
      Files.createDirectories(config.directory());
    } catch (IOException e) {
      health.failed(e);
    }
    DirectoryLock lock = DirectoryLock.open(config.directory());
    Capacity capacity = new Capacity(config, files, lock, events);
    BlobCache cache =
        new BlobCache(
            new CacheContext(
                config,
                new FilePool(files, OPEN_FILES),
                puncher,
                capacity,
                health,
                stats,
                new Scratches(),
                new AtomicLong()),
            lock);
    cache.adopt();
    return cache;
  }

  /**
   * {@code origin} read through this cache; the result owns it. Several sources of one blob share
   * what they fetch.
   *
   * @param digest names the blob; {@code origin} has exactly its bytes
   */
  public CachedSource source(Digest digest, BlockSource origin) {
    return source(digest, origin, true);
  }

  /**
   * As {@link #source(Digest, BlockSource)}; without {@code keep} what is on disk is used, and what
   * is missing is read from the origin as asked for and not kept: for who reads everything once.
   */
  public CachedSource source(Digest digest, BlockSource origin, boolean keep) {
    Filler registry = (miss, object) -> object.copy(miss.whole(), origin);
    return new CachedSource(open(digest, origin.size(), origin.name(), registry, keep), origin);
  }

  /**
   * Opens an object that {@code filler} can bring. Several openings of one digest share what is
   * here and what is on its way, each with its own filler. Objects are cheap: any number may be
   * open.
   *
   * @param digest names the object, and its bytes: whoever fills it brings the same
   * @param size in bytes
   */
  public CacheObject object(Digest digest, long size, Filler filler) {
    return open(digest, size, digest.toString(), filler, true);
  }

  private CacheObject open(Digest digest, long size, String name, Filler filler, boolean keep) {
    CacheObject object = null;
    Optional<BlobFile> blob = blob(digest, size);
    if (blob.isPresent()) {
      try {
        BlobFile.Pair files = blob.get().acquire();
        object =
            new CacheObject(
                blob.get(), files, name, filler, keep, context.config(), context.stats());
      } catch (IOException e) {
        context.health().failed(e);
      }
    }
    if (object == null) {
      object = new CacheObject(digest, name, size, filler, context.config(), context.stats());
    }
    filler.opened(object);
    return object;
  }

  private synchronized Optional<BlobFile> blob(Digest digest, long size) {
    BlobFile known = blobs.get(digest);
    if (known != null && known.format().blobBytes() != size) {
      log.warn(
          "cache.size.differs blob={} known={} now={}", digest, known.format().blobBytes(), size);
      if (known.isOpen() || !forget(known)) {
        return Optional.empty(); // one of the two lies; the one in use stays
      }
      known = null;
    }
    if (known != null) {
      return Optional.of(known);
    }
    MapFormat format =
        header(digest)
            .filter(found -> found.blobBytes() == size)
            .orElse(new MapFormat(digest, size, context.config().unitBytes()));
    return format.cacheable() ? Optional.of(add(format)) : Optional.empty();
  }

  private BlobFile add(MapFormat format) {
    BlobFile blob = new BlobFile(format, context);
    blobs.put(format.digest(), blob);
    context.capacity().add(blob);
    return blob;
  }

  /** What the map on disk says it is; empty if there is none or it is damaged. */
  private Optional<MapFormat> header(Digest digest) {
    Path path = BlobFile.mapPath(context.config().directory(), digest.value());
    if (!Files.isRegularFile(path)) {
      return Optional.empty();
    }
    try (CacheFile map = context.files().open(path)) {
      ByteBuffer header = ByteBuffer.allocate(MapFormat.HEADER_BYTES);
      map.read(0, header);
      return MapFormat.decode(digest, header.flip());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  // ---- what is here at the start

  private synchronized void adopt() {
    for (Path map : mapsOldestFirst()) {
      Digest digest = new Digest(map.getFileName().toString().substring(0, 71));
      header(digest)
          .ifPresentOrElse(
              format -> count(add(format)), () -> lock.ifAlone(() -> deleteFiles(digest)));
    }
  }

  /** Without a header nobody can read these bytes or count them. */
  private void deleteFiles(Digest digest) {
    try {
      BlobFile.deleteFiles(context.config().directory(), digest);
    } catch (IOException e) {
      context.health().failed(e);
    }
  }

  private void count(BlobFile blob) {
    try {
      context.capacity().tick(); // what was used before is older
      blob.recount();
      context.capacity().used(blob);
    } catch (IOException e) {
      context.health().failed(e);
    }
  }

  private List<Path> mapsOldestFirst() {
    record Aged(Path path, long modifiedMillis) {}
    List<Aged> found = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(context.config().directory())) {
      for (Path path : all) {
        if (MAP_NAME.matcher(path.getFileName().toString()).matches()) {
          found.add(new Aged(path, Files.getLastModifiedTime(path).toMillis()));
        }
      }
    } catch (IOException | java.nio.file.DirectoryIteratorException e) {
      log.debug("cache.adopt.failed directory={}", context.config().directory(), e);
    }
    return found.stream()
        .sorted(Comparator.comparingLong(Aged::modifiedMillis))
        .map(Aged::path)
        .toList();
  }

  // ---- what is here now

  /** Every blob of which something is kept, as far as this process knows. */
  public synchronized List<Entry> entries() {
    return blobs.values().stream()
        .filter(blob -> blob.presentBytes() > 0)
        .map(blob ->
            new Entry(blob.format().digest(), blob.format().blobBytes(), blob.presentBytes()))
        .toList();
  }

  /** Bytes of blob data kept, as far as this process knows. */
  public long usedBytes() {
    return context.capacity().used();
  }

  /** Memory in units of which only a part was written. */
  long draftBytes() {
    return context.draftBytes().get();
  }

  /** Most bytes of blob data it keeps. */
  public long capacityBytes() {
    return context.config().capacityBytes();
  }

  /** What happened since this cache was opened. */
  public CacheStats stats() {
    return context.stats();
  }

  /**
   * Keeps all of a blob that is here, or comes, from being evicted, from now on and after restarts;
   * it counts against the capacity still. Other processes notice within their next evictions.
   */
  public void keep(Digest digest) throws IOException {
    Path mark = BlobFile.keepPath(context.config().directory(), digest.value());
    if (!Files.exists(mark)) {
      Files.createFile(mark);
    }
    context.capacity().keptChanged();
  }

  /** Lets a blob be evicted again; false if it was not kept. */
  public boolean unkeep(Digest digest) throws IOException {
    return Files.deleteIfExists(BlobFile.keepPath(context.config().directory(), digest.value()));
  }

  /** Removes a blob's files; false if there are none, or it is open. */
  public synchronized boolean remove(Digest digest) {
    BlobFile blob = blobs.get(digest);
    return blob != null && !blob.isOpen() && forget(blob);
  }

  private boolean forget(BlobFile blob) {
    try {
      context.capacity().remove(blob, blob::delete);
    } catch (IOException e) {
      context.health().failed(e);
      return false;
    }
    blobs.remove(blob.format().digest());
    return true;
  }

  /** Gives up the directory. Sources must be closed first; their readers would be served slowly. */
  @Override
  public void close() throws IOException {
    lock.close();
  }
}
