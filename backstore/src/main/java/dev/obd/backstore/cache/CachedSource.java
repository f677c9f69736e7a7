package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.Prefetchable;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A blob read through the cache: what is on disk and verified comes from there, the rest from the
 * origin, in whole units, one request per missing range however many readers want it. A cache that
 * fails (full, read-only, broken disk) costs fetches, never an error. Owns its origin.
 */
public final class CachedSource implements Prefetchable {
  private final BlockSource origin;
  private final Loads loads;
  private final @Nullable BlobFile blob; // null: nothing of this blob is kept
  private final BlobFile.@Nullable Pair files; // null with blob
  private final boolean keep;
  private final CacheConfig config;
  private final CacheStats stats;
  private final int unitBytes;
  private final AtomicBoolean closed = new AtomicBoolean();

  /** Keeps nothing, but still makes one request of concurrent misses. */
  CachedSource(BlockSource origin, CacheConfig config, CacheStats stats) {
    this.origin = origin;
    this.loads = new Loads();
    this.blob = null;
    this.files = null;
    this.keep = true;
    this.config = config;
    this.stats = stats;
    this.unitBytes = config.unitBytes();
  }

  /**
   * {@code files} were acquired from {@code blob} for this source.
   *
   * @param keep whether what is fetched is stored
   */
  CachedSource(
      BlockSource origin,
      BlobFile blob,
      BlobFile.Pair files,
      boolean keep,
      CacheConfig config,
      CacheStats stats) {
    this.origin = origin;
    this.loads = blob.loads();
    this.blob = blob;
    this.files = files;
    this.keep = keep;
    this.config = config;
    this.stats = stats;
    this.unitBytes = blob.format().unitBytes();
  }

  @Override
  public long size() {
    return origin.size();
  }

  @Override
  public String name() {
    return origin.name();
  }

  @Override
  public long unitBytes() {
    return unitBytes;
  }

  // ---- reading

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    long from = stats.ticker.nanos();
    long at = offset;
    long end = offset + dst.remaining();
    boolean allHere = true;
    while (at < end) {
      int length = (int) Math.min(end - at, unitBytes - at % unitBytes);
      if (hit(at, length, dst)) {
        at += length;
      } else {
        allHere = false;
        at += miss(at, length, end, dst);
      }
    }
    (allHere ? stats.hitTimes : stats.missTimes).record(stats.ticker.nanos() - from);
  }

  private boolean hit(long at, int length, ByteBuffer dst) {
    if (blob == null || files == null || !blob.read(files, at, dst.slice(dst.position(), length))) {
      return false;
    }
    dst.position(dst.position() + length);
    stats.hits.increment();
    stats.hitBytes.add(length);
    return true;
  }

  /**
   * Reads from {@code at}, whose unit is not here: {@code length} bytes of that unit, and more of
   * the request up to {@code end} if the same fetch brings them. Returns how many.
   */
  private int miss(long at, int length, long end, ByteBuffer dst) throws IOException {
    if (!keep) {
      return pass(at, end, dst);
    }
    ReadContext me = ReadContext.current();
    long unit = at / unitBytes;
    Patience patience = new Patience(me);
    while (true) {
      patience.check();
      Loads.Claim claim = loads.claim(unit, missingFrom(unit, (end - 1) / unitBytes + 1), me);
      Load load = claim.load();
      ByteBuffer bytes;
      if (claim.mine()) {
        // Between our look and our claim another fetch may have ended: that would be a second one.
        if (lookAgain(load, at, length, dst)) {
          return length;
        }
        bytes = fetch(load);
      } else {
        bytes = patience.join(load);
      }
      if (bytes != null) {
        int skip = (int) (at - load.firstUnit() * unitBytes);
        int got = (int) Math.min(end - at, bytes.limit() - skip);
        dst.put(bytes.slice(skip, got));
        stats.misses.increment();
        stats.missBytes.add(got);
        if (claim.mine()) {
          keep(load, bytes);
        }
        return got;
      }
    }
  }

  /** Reads from {@code at} what is not here, exactly as asked for; returns how much. */
  private int pass(long at, long end, ByteBuffer dst) throws IOException {
    long unit = at / unitBytes;
    long missing = missingFrom(unit, (end - 1) / unitBytes + 1) * unitBytes - at % unitBytes;
    int length = (int) Math.min(end - at, missing);
    origin.read(at, dst.slice(dst.position(), length));
    dst.position(dst.position() + length);
    stats.misses.increment();
    stats.missBytes.add(length);
    stats.requests.increment();
    stats.fetchedBytes.add(length);
    return length;
  }

  private boolean lookAgain(Load load, long at, int length, ByteBuffer dst) {
    boolean hit = false;
    try {
      hit = hit(at, length, dst);
      return hit;
    } finally {
      if (hit) {
        withdraw(load);
      }
    }
  }

  /** Ends a fetch that turned out to be needless; whoever waits for it looks again. */
  private void withdraw(Load load) {
    loads.remove(load);
    load.fail(null);
  }

  /** How many units from {@code unit} are one request: missing, wanted, within the limit. */
  private long missingFrom(long unit, long endUnit) {
    long most = Math.min(endUnit - unit, Math.max(1, config.requestBytes() / unitBytes));
    long units = 1;
    while (units < most && !has(unit + units)) {
      units++;
    }
    return units;
  }

  private boolean has(long unit) {
    return blob != null && files != null && blob.has(files, (int) unit);
  }

  // ---- fetching

  private ByteBuffer fetch(Load load) throws IOException {
    long from = load.firstUnit() * unitBytes;
    int length = (int) Math.min(load.units() * unitBytes, size() - from);
    ByteBuffer bytes;
    try {
      bytes = ByteBuffer.allocate(length);
      load.urgency()
          .run(() -> {
            origin.read(from, bytes);
            return load;
          });
      if (bytes.hasRemaining()) {
        throw new IOException(name() + ": the origin left " + bytes.remaining() + " bytes unread");
      }
    } catch (Throwable e) {
      loads.remove(load);
      load.fail(e);
      throw e;
    }
    load.succeed(bytes.flip()); // first those who wait, then the disk
    stats.requests.increment();
    stats.fetchedBytes.add(length);
    if (load.urgency().purpose() != Purpose.DEMAND) {
      stats.aheadRequests.increment();
      stats.aheadBytes.add(length);
    }
    return bytes;
  }

  /** Stores what was fetched. Others join this fetch until that is done, so nobody repeats it. */
  private void keep(Load load, ByteBuffer bytes) {
    try {
      if (blob == null || files == null) {
        return;
      }
      for (long unit = load.firstUnit(); unit < load.firstUnit() + load.units(); unit++) {
        if (!load.isDistrusted() && !blob.has(files, (int) unit)) {
          int at = (int) ((unit - load.firstUnit()) * unitBytes);
          ByteBuffer part = bytes.slice(at, Math.min(unitBytes, bytes.limit() - at));
          boolean ahead = load.urgency().purpose() != Purpose.DEMAND;
          if (!blob.store(files, (int) unit, part, ahead)) {
            stats.unstoredUnits.increment();
          }
        }
      }
      if (load.isDistrusted()) { // said while we were storing
        drop(load.firstUnit(), load.firstUnit() + load.units());
      }
    } finally {
      loads.remove(load);
    }
  }

  /** One waiter: how long it waits, and how many failures of others it puts up with. */
  private final class Patience {
    private final ReadContext me;
    private boolean failedOnce;

    Patience(ReadContext me) {
      this.me = me;
    }

    void check() throws IOException {
      if (me.deadline().expired()) {
        throw new InterruptedIOException(name() + ": the time ran out before the read was made");
      }
    }

    /**
     * Waits for another's fetch; null means: look again. A fetch that fails says something about
     * the origin, so after a second one this reader gives up too; but one that ran out of its own
     * time says nothing about ours.
     */
    @Nullable ByteBuffer join(Load load) throws IOException {
      stats.joins.increment();
      if (me.purpose() == Purpose.DEMAND && load.urgency().raise()) {
        stats.promotions.increment();
      }
      long from = stats.ticker.nanos();
      if (!load.await(me, name())) {
        loads.remove(load); // it may still bring its bytes; from now on others ask anew
        stats.overtaken.increment();
        return null;
      }
      ByteBuffer bytes = load.bytes();
      if (bytes != null) {
        return load.isDistrusted() ? null : bytes;
      }
      Throwable failure = load.failure();
      if (failure == null) {
        return null;
      }
      if (failedOnce || !hasTimeForItsOwn(stats.ticker.nanos() - from)) {
        throw new IOException(
            name() + ": a fetch this read waited for failed: " + failure.getMessage(), failure);
      }
      failedOnce |= !load.wasOutOfTime();
      return null;
    }

    /** What little is left after a long wait would only bring a failure that says less. */
    private boolean hasTimeForItsOwn(long waitedNanos) {
      return me.deadline().remainingNanos() > waitedNanos / 10;
    }
  }

  // ---- prefetch

  @Override
  public void prefetch(Range range) throws IOException {
    long endUnit = endUnit(range);
    long unit = firstUnit(range);
    while (unit < endUnit && keeps()) {
      unit = has(unit) ? unit + 1 : bring(unit, missingFrom(unit, endUnit), true);
    }
  }

  /**
   * Makes the bytes of {@code ranges} present, in few requests: missing units are merged across
   * gaps of up to {@code gapBytes} into requests of up to {@code requestBytes}; present units and
   * those another thread is fetching are skipped. Requests are made one after the other on this
   * thread, in the order in which {@code ranges} first needs them, under its {@link ReadContext}.
   *
   * @throws IOException if a request failed; what was fetched before stays
   */
  public void prefetch(List<Range> ranges) throws IOException {
    for (Range request : missing(ranges)) {
      long endUnit = endUnit(request);
      long unit = firstUnit(request);
      while (unit < endUnit && keeps()) {
        unit = has(unit) ? unit + 1 : bring(unit, endUnit - unit, false);
      }
    }
  }

  /**
   * The requests {@link #prefetch(List)} would make now, so that a caller can make them on several
   * threads: each is at most {@code requestBytes} long. What the cache cannot hold is left out.
   */
  public List<Range> missing(List<Range> ranges) {
    if (!keeps()) {
      return List.of();
    }
    var plan = new PrefetchPlan(unitBytes, config);
    for (Range range : ranges) {
      for (long unit = firstUnit(range); unit < endUnit(range) && !plan.isFull(); unit++) {
        if (!plan.contains(unit) && !loads.covers(unit) && !has(unit)) {
          plan.add(unit);
        }
      }
    }
    return plan.requests(size());
  }

  /** False where prefetch would be thrown away. */
  private boolean keeps() {
    return keep && blob != null && files != null && blob.mayStore(files);
  }

  /** Fetches from {@code unit}, or waits for or passes over who does; returns the next unit. */
  private long bring(long unit, long most, boolean join) throws IOException {
    ReadContext me = ReadContext.current();
    Patience patience = new Patience(me);
    while (true) {
      patience.check();
      Loads.Claim claim = loads.claim(unit, most, me);
      Load load = claim.load();
      if (claim.mine() && has(unit)) {
        withdraw(load);
        return unit + 1;
      }
      if (claim.mine()) {
        keep(load, fetch(load));
        return unit + load.units();
      }
      if (!join || patience.join(load) != null) {
        return load.firstUnit() + load.units();
      }
    }
  }

  private long firstUnit(Range range) {
    return Math.min(range.offset(), size()) / unitBytes;
  }

  private long endUnit(Range range) {
    long end = Math.min(range.end(), size());
    return range.offset() >= end ? firstUnit(range) : (end - 1) / unitBytes + 1;
  }

  // ---- what is here

  /** True if every unit of {@code range} is on disk; its content is verified when it is read. */
  public boolean isPresent(Range range) {
    for (long unit = firstUnit(range); unit < endUnit(range); unit++) {
      if (!has(unit)) {
        return false;
      }
    }
    return true;
  }

  /** Bytes of this blob on disk, in whole units. */
  public long presentBytes() {
    return blob == null ? 0 : blob.presentBytes();
  }

  /** Drops the units the range touches; true, because the origin can be asked again. */
  @Override
  public boolean evict(long offset, long length) throws IOException {
    long from = Math.min(Math.max(0, offset), size());
    Range range = new Range(from, Math.min(Math.max(0, length), size() - from));
    if (range.length() > 0) {
      loads.distrust(firstUnit(range), endUnit(range) - 1);
      drop(firstUnit(range), endUnit(range));
      origin.evict(range.offset(), range.length());
    }
    return true;
  }

  private void drop(long firstUnit, long endUnit) {
    for (long unit = firstUnit; unit < endUnit; unit++) {
      if (blob != null && files != null && blob.has(files, (int) unit)) {
        blob.drop(files, (int) unit);
      }
    }
  }

  @Override
  public void close() throws IOException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try (origin) {
      if (blob != null) {
        blob.release();
      }
    }
  }
}
