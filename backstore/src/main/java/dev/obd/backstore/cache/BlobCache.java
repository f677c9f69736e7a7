package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
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
   * @param lastUse when it was opened or closed last
   * @param from where it comes from, for humans; empty if that is not known
   * @param kept whether it stays when room is needed
   * @param opens how often this process has it open
   * @param elsewhere whether another process has it open; not known if this one has
   */
  public record Entry(
      Digest digest,
      long blobBytes,
      long presentBytes,
      Instant lastUse,
      String from,
      boolean kept,
      int opens,
      boolean elsewhere) {
    /** True if somebody has it open. */
    public boolean isInUse() {
      return opens > 0 || elsewhere;
    }
  }

  /**
   * What came of looking at a blob.
   *
   * @param checkedBytes that were here, and as they were fetched
   * @param damagedBytes that were not, and are dropped
   * @param complete whether all of the blob was here, so that its digest could be compared
   * @param wrongDigest whether it was another one; then all of it is dropped
   */
  public record Verified(
      Digest digest, long checkedBytes, long damagedBytes, boolean complete, boolean wrongDigest) {}

  /** What came of removing a blob. */
  public enum Removal {
    REMOVED,
    /** There is nothing of it. */
    ABSENT,
    IN_USE,
    /** It is to be kept. */
    KEPT,
    /** The disk says no, which is logged. */
    FAILED
  }

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
                new AtomicLong(),
                Uses.open(config.directory(), ticker)),
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
    return source(digest, origin, keep, origin.name());
  }

  /**
   * As {@link #source(Digest, BlockSource, boolean)}.
   *
   * @param from where the blob comes from, for humans: a repository
   */
  public CachedSource source(Digest digest, BlockSource origin, boolean keep, String from) {
    Filler registry = (miss, object) -> object.copy(miss.whole(), origin);
    var opening = new Opening(digest, origin.size(), origin.name(), from);
    return new CachedSource(open(opening, registry, keep), origin);
  }

  private record Opening(Digest digest, long size, String name, String from) {}

  /**
   * Opens an object that {@code filler} can bring. Several openings of one digest share what is
   * here and what is on its way, each with its own filler. Objects are cheap: any number may be
   * open.
   *
   * @param digest names the object, and its bytes: whoever fills it brings the same
   * @param size in bytes
   */
  public CacheObject object(Digest digest, long size, Filler filler) {
    return open(new Opening(digest, size, digest.toString(), ""), filler, true);
  }

  private CacheObject open(Opening opening, Filler filler, boolean keep) {
    CacheObject object = null;
    CacheConfig config = context.config();
    synchronized (this) { // or it is removed between being found and being used
      try {
        Optional<BlobFile> blob = blob(opening.digest, opening.size);
        if (blob.isPresent()) {
          BlobFile.Pair files = blob.get().beginUse(opening.from);
          object =
              new CacheObject(
                  blob.get(), files, opening.name, filler, keep, config, context.stats());
        }
      } catch (IOException e) {
        context.health().failed(e);
      }
    }
    if (object == null) {
      object =
          new CacheObject(
              opening.digest, opening.name, opening.size, filler, config, context.stats());
    }
    filler.opened(object);
    return object;
  }

  /** Empty if nothing of it can be kept. */
  private synchronized Optional<BlobFile> blob(Digest digest, long size) throws IOException {
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

  /**
   * What the map on disk says it is; empty if there is none or it is damaged.
   *
   * @throws IOException if it cannot be read, which says nothing of it
   */
  private Optional<MapFormat> header(Digest digest) throws IOException {
    Path path = BlobFile.mapPath(context.config().directory(), digest.value());
    if (!Files.isRegularFile(path)) {
      return Optional.empty();
    }
    try (CacheFile map = context.files().open(path)) {
      ByteBuffer header = ByteBuffer.allocate(MapFormat.HEADER_BYTES);
      map.read(0, header);
      return MapFormat.decode(digest, header.flip());
    }
  }

  // ---- what is here at the start

  private synchronized void adopt() {
    for (Digest digest : digestsOldestFirst()) {
      if (blobs.containsKey(digest)) {
        continue;
      }
      try {
        header(digest)
            .ifPresentOrElse(
                format -> count(add(format)), () -> lock.ifAlone(() -> deleteFiles(digest)));
      } catch (IOException e) {
        context.health().failed(e);
      }
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

  private List<Digest> digestsOldestFirst() {
    record Aged(Digest digest, Instant used) {}
    List<Aged> found = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(context.config().directory())) {
      for (Path path : all) {
        Matcher name = MAP_NAME.matcher(path.getFileName().toString());
        if (name.matches()) {
          Digest digest = new Digest(name.group(1));
          found.add(new Aged(digest, context.uses().lastUse(digest)));
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      log.debug("cache.adopt.failed directory={}", context.config().directory(), e);
    }
    return found.stream().sorted(Comparator.comparing(Aged::used)).map(Aged::digest).toList();
  }

  // ---- what is here now

  /** Every blob of which something is kept, also by other processes. */
  public List<Entry> entries() {
    adopt();
    List<BlobFile> all;
    synchronized (this) {
      all = List.copyOf(blobs.values());
    }
    return all.stream().filter(blob -> blob.presentBytes() > 0).map(this::entry).toList();
  }

  private Entry entry(BlobFile blob) {
    Uses uses = context.uses();
    Digest digest = blob.format().digest();
    return new Entry(
        digest,
        blob.format().blobBytes(),
        blob.presentBytes(),
        uses.lastUse(digest),
        uses.from(digest),
        blob.isKept(),
        uses.count(digest),
        uses.isUsedElsewhere(digest));
  }

  /** True if other processes see that this one has the blob open. */
  boolean isUseSeen(Digest digest) {
    return context.uses().isSeen(digest);
  }

  /** A blob as far as it is here: reading what is not fails. Empty if there is nothing of it. */
  public Optional<BlockSource> present(Digest digest) throws IOException {
    Optional<BlobFile> blob = known(digest);
    if (blob.isEmpty()) {
      return Optional.empty();
    }
    Filler nobody =
        (miss, object) -> {
          throw new IOException(digest + ": not all here");
        };
    BlobFile.Pair files = blob.get().acquire();
    var object =
        new CacheObject(
            blob.get(), files, digest.value(), nobody, false, context.config(), context.stats());
    return Optional.of(new PresentSource(object, blob.get()));
  }

  private synchronized Optional<BlobFile> known(Digest digest) {
    return Optional.ofNullable(blobs.get(digest));
  }

  /**
   * Reads all that is here of a blob, and drops what is not as it was fetched; of a blob that is
   * here as a whole also all, if its digest is not its name.
   *
   * @return empty if there is nothing of it
   */
  public Optional<Verified> verify(Digest digest) throws IOException {
    Optional<BlobFile> found = known(digest);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    BlobFile blob = found.get();
    BlobFile.Pair files = blob.acquire();
    try {
      blob.recount(); // other processes bring units, too
      return Optional.of(verify(blob, files));
    } finally {
      blob.release();
    }
  }

  private static Verified verify(BlobFile blob, BlobFile.Pair files) throws IOException {
    MapFormat format = blob.format();
    ByteBuffer bytes = ByteBuffer.allocate(format.unitBytes());
    MessageDigest hasher = Digest.hasher();
    long good = 0;
    long bad = 0;
    UnitStates states = blob.states();
    for (int unit = states.skipUntouched(0);
        unit < format.unitCount();
        unit = states.skipUntouched(unit + 1)) {
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException(format.digest() + ": interrupted");
      }
      if (!blob.has(files, unit)) {
        continue;
      }
      bytes.clear().limit(format.unitLength(unit));
      if (blob.check(files, unit, bytes)) {
        good += bytes.position();
        hasher.update(bytes.flip());
      } else if (!blob.has(files, unit)) {
        bad += format.unitLength(unit);
      }
    }
    boolean complete = good == format.blobBytes();
    boolean wrong = complete && !Digest.finish(hasher).equals(format.digest());
    for (int unit = 0; wrong && unit < format.unitCount(); unit++) {
      blob.drop(files, unit);
    }
    return new Verified(format.digest(), good, bad, complete, wrong);
  }

  /** Bytes of blob data kept, as far as this process knows. */
  public long usedBytes() {
    return context.capacity().used();
  }

  /** Memory in units of which only a part was written. */
  long draftBytes() {
    return context.draftBytes().get();
  }

  /** The part of it that was read again some time after it came. */
  long oldBytes() {
    return context.capacity().oldBytes();
  }

  /** Where it is. */
  public Path directory() {
    return context.config().directory();
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

  /** Removes what is here of a blob, unless somebody uses it, in whatever process. */
  public synchronized Removal remove(Digest digest) {
    BlobFile blob = blobs.get(digest);
    if (blob == null) {
      return Removal.ABSENT;
    }
    if (blob.isKept()) {
      return Removal.KEPT;
    }
    boolean[] gone = new boolean[1];
    if (blob.isOpen() || !context.uses().unlessUsed(digest, () -> gone[0] = forget(blob))) {
      return Removal.IN_USE;
    }
    return gone[0] ? Removal.REMOVED : Removal.FAILED;
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
    try (lock) {
      context.uses().close();
    }
  }
}
