package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.ByteReceiver;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One long request on its way into an object. Of its units only those that come next are fetches
 * that readers wait for; who reads farther ahead makes a request of its own, and what that brings
 * is passed over when the stream gets there. For one thread.
 */
final class StreamIn implements FillTarget, ByteReceiver {
  /** Readers wait for what is this near rather than ask for it again. */
  private static final int NEAR_BYTES = 512 << 10;

  /** Much that is here already is worth a new request behind it. */
  private static final int SKIP_BYTES = 1 << 20;

  private final CacheObject object;
  private final Loads loads;
  private final Range range;
  private final BooleanSupplier wanted;
  private final ReadContext context = ReadContext.current();
  private final int unitBytes;
  private final long endUnit;

  /** Fetches of the units that come next, nearest first. */
  private final Deque<Load> near = new ArrayDeque<>();

  private long nextUnit; // the first that was not looked at
  private volatile long head; // written by the stream alone
  private volatile @Nullable Load next; // of those that are near

  /**
   * @param range begins with a unit
   * @param wanted false ends it
   */
  StreamIn(CacheObject object, Loads loads, Range range, BooleanSupplier wanted) {
    this.object = object;
    this.loads = loads;
    this.range = range;
    this.wanted = wanted;
    this.unitBytes = object.unitBytes();
    this.endUnit = (range.end() - 1) / unitBytes + 1;
    this.nextUnit = range.offset() / unitBytes;
    this.head = range.offset();
  }

  /** Where the next byte belongs. */
  long head() {
    return head;
  }

  /** True as long as somebody waits for what comes next. */
  boolean isWaitedFor() {
    Load load = next; // not another's of that unit: who has overtaken this waits for itself
    return load != null
        && load.urgency().purpose() == ReadContext.Purpose.DEMAND
        && loads.holds(load);
  }

  @Override
  public boolean take(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      claimNear();
      Load load = near.peek();
      long to = load == null ? range.end() : load.draft().range().end();
      long from = load == null ? range.end() : load.draft().range().offset();
      int length = (int) Math.min(bytes.remaining(), (head < from ? from : to) - head);
      ByteBuffer part = bytes.slice(bytes.position(), length);
      object.streamed(head < from ? null : load, head, part);
      bytes.position(bytes.position() + length);
      long reached = head + length;
      head = reached;
      if (load != null && reached == to) {
        near.remove();
        next = near.peek();
        load.end();
        object.keep(load);
      }
    }
    claimNear();
    return wanted.getAsBoolean() && object.keeps() && !(near.isEmpty() && restIsFar());
  }

  private void claimNear() {
    long until = Math.min(endUnit, (head + NEAR_BYTES + unitBytes - 1) / unitBytes);
    while (nextUnit < until) {
      if (object.has(nextUnit)) {
        nextUnit++;
        continue;
      }
      Loads.Claim claim = loads.claim(nextUnit, 1, 0, context);
      if (claim.mine() && object.has(nextUnit)) {
        object.withdraw(claim.load());
      } else if (claim.mine()) {
        object.moveDrafts(claim.load());
        near.add(claim.load());
      }
      nextUnit++;
    }
    next = near.peek();
  }

  private boolean restIsFar() {
    long unit = nextUnit;
    while (unit < endUnit && (object.has(unit) || loads.covers(unit))) {
      unit++;
    }
    return unit == endUnit || unit * unitBytes - head > SKIP_BYTES;
  }

  /** Whoever waits for what did not come is told {@code why}, or to look again if that is null. */
  void end(@Nullable Throwable why) {
    for (Load load : near) {
      if (why != null) {
        loads.remove(load);
        load.fail(why);
      }
      object.keep(load);
    }
    near.clear();
    next = null;
  }

  // ---- what the filler writes

  @Override
  public Digest digest() {
    return object.digest();
  }

  @Override
  public long size() {
    return object.size();
  }

  @Override
  public void write(long offset, ByteBuffer bytes) throws IOException {
    object.write(offset, bytes);
    head = Math.max(head, offset + bytes.remaining());
  }

  @Override
  public void copy(Range asked, BlockSource from) throws IOException {
    if (asked.offset() != head) {
      throw new IOException(
          object.digest() + ": expected a stream from " + head + ", got one from " + asked);
    }
    claimNear(); // whoever reads the first bytes waits for them rather than ask for them again
    from.stream(asked, this);
  }
}
