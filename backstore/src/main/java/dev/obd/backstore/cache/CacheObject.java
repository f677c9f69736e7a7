package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.registry.Digest;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An open object: bytes that somebody, its {@link Filler}, can bring. What is on disk and verified
 * is read from there without a word to the filler. What is not is asked for in whole units, once
 * however many readers want it; a reader waits until the filler is done, and looks again. A cache
 * that fails (full, read-only, broken disk) costs fetches, never an error. Thread-safe.
 */
public final class CacheObject implements FillTarget, Closeable {
  /** A filler that says so often that it is done, and is not, is broken. */
  private static final int MOST_ASKED = 8;

  /** A stream may be cut before its first byte, but not for ever. */
  private static final int MOST_CUT = 1000;

  /** How often who waits for another's stream looks whether it is wanted still. */
  private static final long STREAM_POLL_MILLIS = 100;

  private static final int MAX_COPY = 64 << 20;

  private final Digest digest;
  private final String name;
  private final long size;
  private final Filler filler;
  private final Loads loads;
  private final @Nullable BlobFile blob; // null: nothing of this object is kept
  private final BlobFile.@Nullable Pair files; // null with blob
  private final boolean keep;
  private final CacheConfig config;
  private final CacheStats stats;
  private final int unitBytes;
  private final AtomicBoolean closed = new AtomicBoolean();

  /** Keeps nothing, but still asks once for concurrent misses. */
  CacheObject(
      Digest digest, String name, long size, Filler filler, CacheConfig config, CacheStats stats) {
    this.digest = digest;
    this.name = name;
    this.size = size;
    this.filler = filler;
    this.loads = new Loads(size, config.unitBytes());
    this.blob = null;
    this.files = null;
    this.keep = true;
    this.config = config;
    this.stats = stats;
    this.unitBytes = config.unitBytes();
  }

  /**
   * {@code files} were acquired from {@code blob} for this object.
   *
   * @param keep whether what is brought is stored
   */
  CacheObject(
      BlobFile blob,
      BlobFile.Pair files,
      String name,
      Filler filler,
      boolean keep,
      CacheConfig config,
      CacheStats stats) {
    this.digest = blob.format().digest();
    this.name = name;
    this.size = blob.format().blobBytes();
    this.filler = filler;
    this.loads = blob.loads();
    this.blob = blob;
    this.files = files;
    this.keep = keep;
    this.config = config;
    this.stats = stats;
    this.unitBytes = blob.format().unitBytes();
  }

  @Override
  public Digest digest() {
    return digest;
  }

  @Override
  public long size() {
    return size;
  }

  /** What is asked for, kept and evicted as one, in bytes: a power of two. */
  public int unitBytes() {
    return unitBytes;
  }

  /** What a reader that misses something gets, as an aligned window, in bytes. */
  int refillBytes() {
    return Math.max(unitBytes, config.refillBytes());
  }

  // ---- reading

  /**
   * Fills {@code dst} from {@code offset}, and waits for the filler where it must, no longer than
   * the {@link ReadContext} says.
   *
   * @throws EOFException if the range leaves the object; {@code dst} is then untouched
   * @throws IOException if the filler cannot bring the bytes, or not in time
   */
  public void read(long offset, ByteBuffer dst) throws IOException {
    check(offset, dst.remaining());
    long from = stats.ticker.nanos();
    long at = offset;
    long end = offset + dst.remaining();
    boolean allHere = true;
    Patience patience = null;
    while (at < end) {
      int length = (int) Math.min(end - at, unitBytes - at % unitBytes);
      if (hit(at, length, dst)) {
        at += length;
      } else {
        allHere = false;
        if (patience == null) {
          patience = new Patience(ReadContext.current(), name, loads, stats);
        }
        at += miss(at, length, end, dst, patience);
      }
    }
    (allHere ? stats.hitTimes : stats.missTimes).record(stats.ticker.nanos() - from);
  }

  private void check(long offset, long length) throws EOFException {
    if (offset < 0 || offset > size - length) {
      throw new EOFException(name + ": " + length + " bytes at " + offset + " of " + size);
    }
  }

  private boolean hit(long at, int length, ByteBuffer dst) {
    if (blob == null || files == null) {
      return false;
    }
    ByteBuffer part = dst.slice(dst.position(), length);
    if (!blob.read(files, at, part) && !blob.drafts().read((int) (at / unitBytes), at, part)) {
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
  private int miss(long at, int length, long end, ByteBuffer dst, Patience patience)
      throws IOException {
    if (!keep) {
      return pass(at, end, dst);
    }
    ReadContext me = ReadContext.current();
    long unit = at / unitBytes;
    long endUnit = (end - 1) / unitBytes + 1;
    patience.begin();
    while (true) {
      patience.check();
      boolean refill = me.purpose() == Purpose.DEMAND;
      long earliest = refill ? missingBefore(unit) : unit;
      long most = missingFrom(unit, unit - earliest, refill ? expanded(at, end) : endUnit);
      Loads.Claim claim = loads.claim(earliest, unit, most, endUnit - unit, me);
      Load load = claim.load();
      if (claim.mine()) {
        // Between our look and our claim another fetch may have ended: that would be a second one.
        if (lookAgain(load, at, length, dst)) {
          return length;
        }
        moveDrafts(load);
        ask(load, load.part(at, end), load.draft().range());
      } else {
        boolean came = patience.join(load, load.part(at, end));
        if (!came && patience.hasOvertaken()) {
          loads.abandon(unit, endUnit); // all that is wanted in one request, not unit by unit
        }
      }
      int got = claim.mine() || !load.isDistrusted() ? take(load, at, end, dst) : 0;
      if (claim.mine()) {
        keep(load);
      }
      if (got > 0) {
        stats.misses.increment();
        stats.missBytes.add(got);
        return got;
      }
      if (claim.mine() && !load.isCut()) {
        patience.unfilled(MOST_ASKED);
      }
    }
  }

  /** The unit after the last that a miss of {@code [at, end)} brings. */
  private long expanded(long at, long end) {
    long much = Math.min(config.expand() * (end - at), size - at);
    long refill = config.refillBytes();
    long window = Math.min((end + refill - 1) / refill * refill, size);
    return (Math.max(at + Math.max(much, end - at), window) - 1) / unitBytes + 1;
  }

  /** The first unit of those before {@code unit} that are missing in the window around it. */
  private long missingBefore(long unit) {
    long least = unit * unitBytes / config.refillBytes() * config.refillBytes() / unitBytes;
    long first = unit;
    while (first > least && !has(first - 1)) {
      first--;
    }
    return first;
  }

  private static int take(Load load, long at, long end, ByteBuffer dst) {
    int got = (int) Math.min(end - at, load.draft().available(at));
    if (got > 0) {
      dst.put(load.draft().slice(new Range(at, got)));
    }
    return got;
  }

  /** Reads from {@code at} what is not here, exactly as asked for; returns how much. */
  private int pass(long at, long end, ByteBuffer dst) throws IOException {
    long unit = at / unitBytes;
    long missing = missingFrom(unit, 0, (end - 1) / unitBytes + 1) * unitBytes - at % unitBytes;
    var range = new Range(at, Math.min(end - at, missing));
    var passing = new Passing(digest, size, range);
    filler.fill(new Filler.Miss(range, range), passing);
    dst.put(passing.bytes());
    stats.misses.increment();
    stats.missBytes.add(range.length());
    stats.requests.increment();
    stats.fetchedBytes.add(range.length());
    return (int) range.length();
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
  void withdraw(Load load) {
    loads.remove(load);
    load.fail(null);
  }

  /**
   * How many units from {@code unit} are one request: missing, wanted, within the limit together
   * with those {@code before}.
   */
  private long missingFrom(long unit, long before, long endUnit) {
    long limit = Math.max(1, config.requestBytes() / unitBytes - before);
    long most = Math.min(endUnit - unit, limit);
    long units = 1;
    while (units < most && !has(unit + units)) {
      units++;
    }
    return units;
  }

  boolean has(long unit) {
    return blob != null && files != null && blob.has(files, (int) unit);
  }

  // ---- asking the filler

  void moveDrafts(Load load) {
    if (blob != null) {
      blob.drafts().moveInto(load);
    }
  }

  private void ask(Load load, Range wanted, Range whole) throws IOException {
    try {
      load.urgency()
          .run(() -> {
            filler.fill(new Filler.Miss(wanted, whole), new Filling(load));
            return load;
          });
    } catch (Throwable e) {
      if (load.draft().available(wanted.offset()) < wanted.length()) {
        load.seal();
        loads.remove(load);
        load.fail(e);
        throw e;
      }
      // What was wanted is here, and what went wrong afterwards is somebody's next miss.
    }
    if (!load.isCut()) {
      load.end(); // first those who wait, then the disk
    }
    stats.requests.increment();
    if (load.urgency().purpose() != Purpose.DEMAND) {
      stats.aheadRequests.increment();
    }
  }

  /** Stores what was brought. Others join this fetch until that is done, so nobody repeats it. */
  void keep(Load load) {
    load.seal();
    try {
      for (long unit = load.firstUnit(); unit < load.firstUnit() + load.units(); unit++) {
        if (blob != null && !load.isDistrusted()) {
          Range part = blob.format().unitRange(unit);
          long here = load.draft().available(part.offset());
          if (here >= part.length()) {
            store(unit, load.draft().slice(part), load.isAhead(unit));
          } else {
            int number = (int) unit;
            load.draft().forEachIn(part, (at, bytes) -> partly(number, at, bytes));
          }
        }
      }
      if (load.isDistrusted()) { // said while we were storing
        drop(load.firstUnit(), load.firstUnit() + load.units());
      }
    } finally {
      loads.remove(load);
      load.end(); // who waits for what did not come finds nobody to wait for
    }
  }

  private void partly(int unit, long at, ByteBuffer bytes) {
    ByteBuffer whole = blob == null ? null : blob.drafts().put(unit, at, bytes);
    if (whole != null) {
      store(unit, whole, true);
    }
  }

  private void store(long unit, ByteBuffer bytes, boolean ahead) {
    if (blob != null
        && files != null
        && !blob.has(files, (int) unit)
        && !blob.store(files, (int) unit, bytes, ahead)) {
      stats.unstoredUnits.increment();
    }
  }

  // ---- what the filler writes

  /** What a filler writes to while it is asked: what it brings then is this fetch's. */
  private final class Filling implements FillTarget {
    private final Load load;

    Filling(Load load) {
      this.load = load;
    }

    @Override
    public Digest digest() {
      return digest;
    }

    @Override
    public long size() {
      return size;
    }

    @Override
    public void write(long offset, ByteBuffer bytes) throws IOException {
      take(load, offset, bytes);
    }

    @Override
    public void copy(Range range, BlockSource from) throws IOException {
      checkWritable(range.offset(), range.length());
      checkMuch(range);
      var reached = new AtomicLong(range.offset());
      from.stream(
          range,
          bytes -> {
            int length = bytes.remaining();
            accept(load, reached.get(), bytes, false);
            reached.addAndGet(length);
            return true;
          });
      if (reached.get() < range.end()) {
        load.cut(); // by whoever schedules requests
      }
    }
  }

  @Override
  public void write(long offset, ByteBuffer bytes) throws IOException {
    take(null, offset, bytes);
  }

  @Override
  public void copy(Range range, BlockSource from) throws IOException {
    checkWritable(range.offset(), range.length());
    checkMuch(range);
    ByteBuffer bytes = ByteBuffer.allocate((int) range.length());
    from.read(range.offset(), bytes);
    if (bytes.hasRemaining()) {
      throw new IOException(name + ": the origin left " + bytes.remaining() + " bytes unread");
    }
    accept(null, range.offset(), bytes.flip(), true);
  }

  private void take(@Nullable Load asked, long offset, ByteBuffer bytes) throws IOException {
    checkWritable(offset, bytes.remaining());
    accept(asked, offset, bytes, false);
    bytes.position(bytes.limit());
  }

  private void checkMuch(Range range) throws IOException {
    if (range.length() > MAX_COPY) {
      throw new IOException(name + ": " + range.length() + " bytes are too many at once");
    }
  }

  private void checkWritable(long offset, long length) throws IOException {
    check(offset, length);
    if (closed.get()) {
      throw new IOException(name + ": closed");
    }
  }

  /** Gives each part to the fetch that covers it, or to the disk. */
  private void accept(@Nullable Load asked, long offset, ByteBuffer bytes, boolean owned) {
    long at = offset;
    long end = offset + bytes.remaining();
    stats.fetchedBytes.add(bytes.remaining());
    while (at < end) {
      long unit = at / unitBytes;
      Load load = asked != null && asked.covers(unit) ? asked : loads.of(unit);
      long to = Math.min(end, load != null ? load.draft().range().end() : (unit + 1) * unitBytes);
      ByteBuffer part = bytes.slice(bytes.position() + (int) (at - offset), (int) (to - at));
      if (load != null && load.put(at, part, owned)) {
        stats.aheadBytes.add(load.aheadBytes(at, to, unitBytes));
      } else {
        to = Math.min(to, (unit + 1) * unitBytes);
        stats.aheadBytes.add(to - at);
        if (load == null || !load.isDistrusted()) {
          unasked(unit, at, part.slice(0, (int) (to - at)));
        }
      }
      at = to;
    }
  }

  private void unasked(long unit, long at, ByteBuffer part) {
    if (blob == null || !keep) {
      return;
    }
    if (part.remaining() == blob.format().unitLength(unit)) {
      store(unit, part, true);
    } else {
      partly((int) unit, at, part);
    }
  }

  // ---- prefetch

  /**
   * Makes the bytes of {@code range} present, clipped to the object. Runs on the caller's thread,
   * under its {@link ReadContext}; units that others are fetching are waited for.
   *
   * @throws IOException if a request failed; what was fetched before stays
   */
  public void prefetch(Range range) throws IOException {
    long endUnit = endUnit(range);
    long unit = firstUnit(range);
    while (unit < endUnit && keeps()) {
      unit = has(unit) ? unit + 1 : bring(unit, missingFrom(unit, 0, endUnit), true);
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
    return plan.requests(size);
  }

  /** False where prefetch would be thrown away. */
  boolean keeps() {
    return keep && blob != null && files != null && blob.mayStore(files);
  }

  /** As {@link dev.obd.io.Prefetchable#streamIn}. */
  public void streamIn(Range range, BooleanSupplier wanted) throws IOException {
    var patience = new Patience(ReadContext.current(), name, loads, stats);
    long endUnit = endUnit(range);
    long unit = firstUnit(range);
    while (unit < endUnit && keeps() && wanted.getAsBoolean()) {
      if (has(unit) || loads.covers(unit)) {
        unit++;
        continue;
      }
      patience.check();
      var rest =
          new Range(unit * unitBytes, Math.min(endUnit * unitBytes, size) - unit * unitBytes);
      if (!loads.beginStream(rest)) { // of another device, most likely: what it brings is here then
        awaitOtherStream();
        continue;
      }
      var stream = new StreamIn(this, loads, rest, wanted);
      try {
        stream(stream, rest);
      } finally {
        loads.endStream(rest);
      }
      if (stream.head() == rest.offset()) {
        patience.unfilled(MOST_CUT);
      } else {
        patience.filled();
      }
      unit = stream.head() >= rest.end() ? endUnit : stream.head() / unitBytes;
    }
  }

  private void awaitOtherStream() throws IOException {
    try {
      loads.awaitStreamEnd(STREAM_POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(name + ": interrupted waiting for another stream");
    }
  }

  private void stream(StreamIn stream, Range rest) throws IOException {
    var urgency = new Urgency(ReadContext.current().purpose(), stream::isWaitedFor);
    try {
      urgency.run(() -> {
        filler.fill(new Filler.Miss(rest, rest), stream);
        return stream;
      });
    } catch (Throwable e) {
      stream.end(e);
      throw e;
    }
    stream.end(null);
    stats.requests.increment();
    if (urgency.purpose() != Purpose.DEMAND) {
      stats.aheadRequests.increment();
    }
  }

  /**
   * Bytes of a stream that belong to {@code load}, or to units it did not claim if that is null.
   */
  void streamed(@Nullable Load load, long offset, ByteBuffer bytes) throws IOException {
    checkWritable(offset, bytes.remaining());
    long at = offset;
    long end = offset + bytes.remaining();
    while (at < end) {
      long unit = at / unitBytes;
      long to = Math.min(end, (unit + 1) * unitBytes);
      ByteBuffer part = bytes.slice(bytes.position() + (int) (at - offset), (int) (to - at));
      if (load == null && has(unit)) {
        stats.fetchedBytes.add(to - at); // passed over
      } else {
        accept(load, at, part, false);
      }
      at = to;
    }
  }

  /** Fetches from {@code unit}, or waits for or passes over who does; returns the next unit. */
  private long bring(long unit, long most, boolean join) throws IOException {
    ReadContext me = ReadContext.current();
    var patience = new Patience(me, name, loads, stats);
    while (true) {
      patience.check();
      Loads.Claim claim = loads.claim(unit, most, most, me);
      Load load = claim.load();
      if (claim.mine() && has(unit)) {
        withdraw(load);
        return unit + 1;
      }
      if (claim.mine()) {
        moveDrafts(load); // of a request that was cut, most likely
        ask(load, load.missing(), load.missing());
        keep(load);
        return load.isCut() ? load.firstMissing(unitBytes) : unit + load.units();
      }
      if (!join || patience.join(load, load.draft().range())) {
        return load.firstUnit() + load.units();
      }
    }
  }

  private long firstUnit(Range range) {
    return Math.min(range.offset(), size) / unitBytes;
  }

  private long endUnit(Range range) {
    long end = Math.min(range.end(), size);
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

  /** Bytes of this object on disk, in whole units. */
  public long presentBytes() {
    return blob == null ? 0 : blob.presentBytes();
  }

  /** Drops the units the range touches, because their bytes are wrong; clipped to the object. */
  public void evict(Range range) {
    if (firstUnit(range) < endUnit(range)) {
      loads.distrust(firstUnit(range), endUnit(range) - 1);
      drop(firstUnit(range), endUnit(range));
    }
  }

  private void drop(long firstUnit, long endUnit) {
    for (long unit = firstUnit; unit < endUnit; unit++) {
      if (blob != null && files != null) {
        blob.drafts().remove((int) unit);
        if (blob.has(files, (int) unit)) {
          blob.drop(files, (int) unit);
        }
      }
    }
  }

  /** Ends this use of the object; what is kept of it stays. */
  @Override
  public void close() throws IOException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    filler.closed(this);
    if (blob != null) {
      blob.endUse();
    }
  }
}
