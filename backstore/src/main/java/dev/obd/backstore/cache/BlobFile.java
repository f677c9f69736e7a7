package dev.obd.backstore.cache;

import dev.obd.registry.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * One blob on disk: a sparse data file with the raw blob's offsets, and its map. A unit is readable
 * if its record is whole and its blocks have the record's checksums; nothing else is believed, so
 * no crash, torn write or other process can make it return wrong bytes.
 *
 * <p>Thread-safe. Lock order: {@code contents}, then {@code this}.
 */
final class BlobFile {
  private static final int SCAN_RECORDS = 1024;

  /** The open files of a blob. */
  record Pair(CacheFile data, CacheFile map) implements Closeable {
    boolean writable() {
      return data.writable() && map.writable();
    }

    @Override
    public void close() throws IOException {
      try (data) {
        map.close();
      }
    }
  }

  private final MapFormat format;
  private final CacheContext context;
  private final Path dataPath;
  private final UnitStates states;
  private final AtomicLong presentBytes = new AtomicLong();
  private final Loads loads;
  private final Drafts drafts;

  /** Read: somebody writes a unit. Write: somebody empties or tidies the whole blob. */
  private final ReentrantReadWriteLock contents = new ReentrantReadWriteLock();

  private volatile long lastUse;
  private @Nullable Pair open; // guarded by this
  private int users; // guarded by this

  BlobFile(MapFormat format, CacheContext context) {
    this.format = format;
    this.context = context;
    this.dataPath = dataPath(context.config().directory(), format.digest().value());
    this.states = new UnitStates(format.unitCount());
    this.loads = new Loads(format.blobBytes(), format.unitBytes());
    this.drafts = new Drafts(format, context.draftBytes());
  }

  static Path dataPath(Path directory, String digest) {
    return directory.resolve(digest);
  }

  static Path mapPath(Path directory, String digest) {
    return directory.resolve(digest + ".map");
  }

  /** Its presence says that nothing of the blob is to be evicted. */
  static Path keepPath(Path directory, String digest) {
    return directory.resolve(digest + ".keep");
  }

  /** The map first: without it the data is nobody's. */
  static void deleteFiles(Path directory, Digest digest) throws IOException {
    Files.deleteIfExists(mapPath(directory, digest.value()));
    Files.deleteIfExists(dataPath(directory, digest.value()));
    Files.deleteIfExists(Uses.markPath(directory, digest.value()));
  }

  /** True if nothing of it is to be evicted: whoever said so, in whatever process. */
  boolean isKept() {
    return Files.exists(keepPath(context.config().directory(), format.digest().value()));
  }

  MapFormat format() {
    return format;
  }

  Loads loads() {
    return loads;
  }

  Drafts drafts() {
    return drafts;
  }

  UnitStates states() {
    return states;
  }

  long presentBytes() {
    return presentBytes.get();
  }

  /** When it was last read, in the capacity's own count. */
  long lastUse() {
    return lastUse;
  }

  void usedAt(long now) {
    lastUse = now;
  }

  // ---- files

  /** The open files, until {@link #release}. */
  synchronized Pair acquire() throws IOException {
    Pair pair = open;
    if (pair == null) {
      pair = openPair();
      open = pair;
    }
    users++;
    return pair;
  }

  synchronized void release() throws IOException {
    Pair pair = open;
    if (--users == 0 && pair != null) {
      open = null;
      drafts.clear();
      pair.close();
    }
  }

  /** As {@link #acquire}, for a use that other processes see. */
  Pair beginUse(String from) throws IOException {
    context.uses().begin(format.digest(), from); // first: whoever removes must see it
    try {
      return acquire();
    } catch (IOException | RuntimeException e) {
      context.uses().end(format.digest());
      throw e;
    }
  }

  void endUse() throws IOException {
    context.uses().end(format.digest());
    release();
  }

  synchronized boolean isOpen() {
    return users > 0;
  }

  private Pair openPair() throws IOException {
    CacheFiles files = context.files();
    // The map first: a data file that lies alone after a crash is nobody's.
    CacheFile map = files.open(mapPath(context.config().directory(), format.digest().value()));
    try {
      CacheFile data = files.open(dataPath);
      Pair pair = new Pair(data, map);
      try {
        prepare(pair);
        return pair;
      } catch (IOException e) {
        data.close();
        throw e;
      }
    } catch (IOException e) {
      map.close();
      throw e;
    }
  }

  /** Writes the header of a new map; a map that is not this blob's begins anew. */
  private void prepare(Pair pair) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(MapFormat.HEADER_BYTES);
    pair.map.read(0, header);
    boolean ours =
        MapFormat.decode(format.digest(), header.flip()).filter(format::equals).isPresent();
    if (!pair.writable()) {
      if (!ours) {
        throw new IOException(dataPath + ": no usable map, and the directory is read-only");
      }
      return;
    }
    if (!ours) {
      pair.map.setLength(0);
      pair.data.setLength(0);
      pair.map.write(0, format.header());
    }
    if (pair.data.length() < format.blobBytes()) {
      pair.data.setLength(format.blobBytes());
    }
  }

  // ---- reading

  /**
   * Fills {@code dst}, which lies within one unit, if all its bytes are here and verified.
   * Otherwise returns false; {@code dst}'s content is then undefined, its position as it was.
   */
  boolean read(Pair files, long offset, ByteBuffer dst) {
    int unit = (int) (offset / format.unitBytes());
    if (!states.pin(unit)) {
      return false;
    }
    boolean hit = false;
    Scratch scratch = take();
    try {
      hit = readVerified(files, unit, offset, dst, scratch);
    } catch (IOException e) {
      context.health().failed(e);
    } finally {
      give(scratch);
      long now = context.capacity().now();
      long sameUse = context.capacity().sameUse();
      long before = states.unpin(unit, hit, now, sameUse);
      if (hit) {
        counted(unit, before, now, sameUse);
      }
    }
    return hit;
  }

  /** As {@link #read} of a whole unit, which is not thereby used. */
  boolean check(Pair files, int unit, ByteBuffer dst) {
    if (!states.pin(unit)) {
      return false;
    }
    Scratch scratch = take();
    try {
      return readVerified(files, unit, (long) unit * format.unitBytes(), dst, scratch);
    } catch (IOException e) {
      context.health().failed(e);
      return false;
    } finally {
      give(scratch);
      long _ = states.unpin(unit, false, 0, 0);
    }
  }

  private void counted(int unit, long before, long now, long sameUse) {
    context.capacity().used(this);
    if (UnitStates.isBusy(before)) {
      return;
    }
    int length = format.unitLength(unit);
    if (!UnitStates.isPresent(before)) {
      adopt(length); // another process put it there, or the map was not read yet
    } else if (!UnitStates.isOld(before)
        && UnitStates.isOld(UnitStates.used(before, now, sameUse))) {
      context.capacity().aged(length);
    }
    if ((before & UnitStates.AHEAD) != 0) {
      context.stats().aheadUsedBytes.add(length);
    }
  }

  private boolean readVerified(Pair files, int unit, long offset, ByteBuffer dst, Scratch scratch)
      throws IOException {
    if (!readRecord(files, unit, scratch)) {
      return false;
    }
    long from = offset & -MapFormat.BLOCK_BYTES;
    long end = offset + dst.remaining();
    long to = Math.min(roundUp(end), blobBytes());
    int length = (int) (to - from);
    boolean whole = from == offset && to == end; // then it needs no copy
    ByteBuffer blocks = whole ? dst.slice() : scratch.data(length);
    boolean good =
        files.data.read(from, blocks) == length
            && scratch.vouchesFor(
                blocks.flip(), (int) (from % format.unitBytes()) / MapFormat.BLOCK_BYTES);
    if (!good) {
      // Evicted by another process between the two reads? Then there is no harm to report.
      if (readRecord(files, unit, scratch)) {
        context.stats().corruptUnits.increment();
        drop(files, unit);
      }
      return false;
    }
    if (whole) {
      dst.position(dst.limit());
    } else {
      dst.put(blocks.slice((int) (offset - from), dst.remaining()));
    }
    return true;
  }

  private long blobBytes() {
    return format.blobBytes();
  }

  /** Reads a unit's record; false if there is none. A damaged one is counted and cleared. */
  private boolean readRecord(Pair files, int unit, Scratch scratch) throws IOException {
    if (files.map.read(format.recordAt(unit), scratch.record()) < format.recordBytes()) {
      return false;
    }
    if (scratch.holds(unit)) {
      return true;
    }
    if (!scratch.isBlank()) {
      // Read again before blaming it: another thread or process may be in the middle of writing.
      files.map.read(format.recordAt(unit), scratch.record());
      if (scratch.holds(unit)) {
        return true;
      }
      if (!scratch.isBlank()) {
        context.stats().corruptUnits.increment();
        drop(files, unit);
      }
    }
    return false;
  }

  /** True if the unit has a record. Its data is verified when it is read, not here. */
  boolean has(Pair files, int unit) {
    Scratch scratch = take();
    try {
      return files.map.read(format.recordAt(unit), scratch.record()) == format.recordBytes()
          && scratch.holds(unit);
    } catch (IOException e) {
      context.health().failed(e);
      return false;
    } finally {
      give(scratch);
    }
  }

  private Scratch take() {
    return context.scratches().take(format);
  }

  private void give(Scratch scratch) {
    context.scratches().give(scratch);
  }

  // ---- writing

  /** False if storing is pointless now: read-only, or the disk just failed. */
  boolean mayStore(Pair files) {
    return files.writable() && context.health().mayStore();
  }

  /**
   * Keeps the bytes of a whole unit. Data first, record second; whatever a crash leaves of the two
   * is judged by the checksums. Returns false if it could not be kept, which costs a fetch later
   * and nothing else.
   */
  boolean store(Pair files, int unit, ByteBuffer bytes, boolean ahead) {
    if (!mayStore(files)) {
      return false;
    }
    long before = states.begin(unit);
    if (before < 0) {
      return false;
    }
    int length = format.unitLength(unit);
    boolean counted = UnitStates.isPresent(before);
    boolean old = UnitStates.isOld(before);
    boolean stored = false;
    try {
      if (!counted) {
        counted = context.capacity().reserve(this, length);
        if (counted) {
          presentBytes.addAndGet(length);
        }
      }
      stored = counted && write(files, unit, bytes);
      return stored;
    } finally {
      if (counted && !stored) {
        forget(length, old);
      }
      states.end(unit, stored ? stored(before, old, length, ahead) : 0);
    }
  }

  /** The word of a unit just written. What comes back soon after it had gone was missed: old. */
  private long stored(long before, boolean old, int length, boolean ahead) {
    Capacity capacity = context.capacity();
    boolean back = !old && !ahead && capacity.isBack(UnitStates.stamp(before));
    if (back) {
      capacity.aged(length);
    }
    long generation = old || back ? UnitStates.OLD : 0;
    return UnitStates.stamped(
        UnitStates.PRESENT | generation | (ahead ? UnitStates.AHEAD : 0), capacity.tick());
  }

  private boolean write(Pair files, int unit, ByteBuffer bytes) {
    Scratch scratch = take();
    contents.readLock().lock();
    try {
      ByteBuffer record = scratch.seal(unit, bytes);
      files.data.write((long) unit * format.unitBytes(), bytes.duplicate());
      files.map.write(format.recordAt(unit), record);
      context.health().stored();
      return true;
    } catch (IOException e) {
      context.health().failed(e);
      free(unit); // what was written of it would be counted nowhere
      return false;
    } finally {
      contents.readLock().unlock();
      give(scratch);
    }
  }

  private void free(int unit) {
    try {
      punch(unit, format.unitLength(unit));
    } catch (IOException e) {
      // Best effort on a disk that just failed, and that failure is logged already.
    }
  }

  private void punch(int firstUnit, long length) throws IOException {
    context.puncher().punch(dataPath, (long) firstUnit * format.unitBytes(), roundUp(length));
  }

  private static long roundUp(long length) {
    return (length + MapFormat.BLOCK_BYTES - 1) & -MapFormat.BLOCK_BYTES;
  }

  /** Makes a unit absent, because its bytes are wrong. A unit being written is left alone. */
  void drop(Pair files, int unit) {
    long before = states.begin(unit);
    if (before < 0) {
      return;
    }
    try {
      if (files.writable()) {
        clearRecord(files, unit);
        free(unit);
      }
    } catch (IOException e) {
      context.health().failed(e);
    } finally {
      if (UnitStates.isPresent(before)) {
        forget(format.unitLength(unit), UnitStates.isOld(before));
      }
      states.end(unit, 0);
    }
  }

  private void clearRecord(Pair files, int unit) throws IOException {
    Scratch scratch = take();
    try {
      files.map.write(format.recordAt(unit), scratch.blank());
    } finally {
      give(scratch);
    }
  }

  // ---- eviction

  /**
   * Evicts one unit that {@link UnitStates#take} marked busy.
   *
   * @param word what it was before
   * @param first true to try, before anything is lost, whether holes can be punched at all
   * @throws IOException if its space cannot be freed: it is counted still, as it is still used
   */
  void evict(int unit, long word, boolean first) throws IOException {
    boolean freed = false;
    try {
      Pair files = acquire();
      try {
        if (first) {
          context.puncher().punch(dataPath, roundUp(blobBytes()), MapFormat.BLOCK_BYTES);
        }
        clearRecord(files, unit);
        punch(unit, format.unitLength(unit));
        freed = true;
      } finally {
        release();
      }
    } finally {
      if (freed) {
        forget(format.unitLength(unit), UnitStates.isOld(word));
        context.stats().evictedUnits.increment();
        context.stats().evictedBytes.add(format.unitLength(unit));
      }
      states.end(unit, freed ? UnitStates.gone(word) : word);
    }
  }

  /** Evicts the whole blob by cutting its files; false if it is in use just now, or has nothing. */
  boolean empty() throws IOException {
    if (presentBytes.get() == 0 || !contents.writeLock().tryLock()) {
      return false;
    }
    try {
      if (states.anyPinned()) {
        return false;
      }
      Pair files = acquire();
      try {
        files.map.setLength(MapFormat.HEADER_BYTES);
        files.data.setLength(0);
        files.data.setLength(blobBytes());
      } finally {
        release();
      }
      for (int unit = states.skipUntouched(0);
          unit < states.count();
          unit = states.skipUntouched(unit + 1)) {
        long word = states.get(unit);
        if (UnitStates.isPresent(word)
            && !UnitStates.isBusy(word)
            && states.replace(unit, word, UnitStates.gone(word))) {
          forget(format.unitLength(unit), UnitStates.isOld(word));
          context.stats().evictedUnits.increment();
          context.stats().evictedBytes.add(format.unitLength(unit));
        }
      }
      return true;
    } finally {
      contents.writeLock().unlock();
    }
  }

  /**
   * Removes the files. Only while nobody has them open here; another process's reads still work.
   */
  synchronized void delete() throws IOException {
    deleteFiles(context.config().directory(), format.digest());
    long bytes = presentBytes.getAndSet(0);
    context.capacity().release(bytes);
    long[] old = new long[1];
    states.scan((unit, word) -> old[0] += UnitStates.isOld(word) ? format.unitLength(unit) : 0);
    context.capacity().aged(-old[0]);
  }

  /** Frees what writers that were killed left behind: space that no record speaks of. */
  void tidy() throws IOException {
    if (!contents.writeLock().tryLock()) {
      return;
    }
    try {
      Pair files = acquire();
      try {
        recount(files);
        int from = 0;
        for (int unit = 0; unit <= states.count(); unit++) {
          if (unit == states.count() || UnitStates.isPresent(states.get(unit))) {
            if (unit > from) {
              punch(
                  from,
                  Math.min((long) unit * format.unitBytes(), blobBytes())
                      - (long) from * format.unitBytes());
            }
            from = unit + 1;
          }
        }
      } finally {
        release();
      }
    } finally {
      contents.writeLock().unlock();
    }
  }

  // ---- counting

  /** Brings the count in line with the map, which other processes change too. */
  void recount() throws IOException {
    Pair files = acquire();
    try {
      recount(files);
    } finally {
      release();
    }
  }

  private void recount(Pair files) throws IOException {
    Scratch scratch = take();
    try {
      ByteBuffer records = ByteBuffer.allocate(SCAN_RECORDS * format.recordBytes());
      long[] seen = new long[SCAN_RECORDS];
      long length = files.map.length();
      for (int unit = 0; unit < states.count(); unit += SCAN_RECORDS) {
        if (format.recordAt(unit) >= length && states.skipUntouched(unit) == states.count()) {
          return; // nothing is known from here on, neither on disk nor here
        }
        int here = Math.min(SCAN_RECORDS, states.count() - unit);
        for (int i = 0; i < here; i++) {
          seen[i] = states.get(unit + i); // before the records: a change meanwhile wins
        }
        records.clear();
        records.limit(here * format.recordBytes());
        int got = files.map.read(format.recordAt(unit), records);
        for (int i = 0; i < here; i++) {
          boolean there =
              (i + 1) * format.recordBytes() <= got
                  && holds(
                      scratch,
                      records.slice(i * format.recordBytes(), format.recordBytes()),
                      unit + i);
          correct(unit + i, seen[i], there);
        }
      }
    } finally {
      give(scratch);
    }
  }

  private static boolean holds(Scratch scratch, ByteBuffer record, int unit) {
    scratch.record().put(record);
    return scratch.holds(unit);
  }

  private void correct(int unit, long word, boolean there) {
    if (there == UnitStates.isPresent(word) || UnitStates.isBusy(word)) {
      return;
    }
    if (there && states.replace(unit, word, UnitStates.found(word, context.capacity().now()))) {
      adopt(format.unitLength(unit));
    } else if (!there && states.replace(unit, word, UnitStates.gone(word))) {
      forget(format.unitLength(unit), UnitStates.isOld(word));
    }
  }

  private void adopt(int bytes) {
    presentBytes.addAndGet(bytes);
    context.capacity().adopt(bytes);
  }

  private void forget(int bytes, boolean old) {
    presentBytes.addAndGet(-bytes);
    context.capacity().release(bytes);
    if (old) {
      context.capacity().aged(-bytes);
    }
  }
}
