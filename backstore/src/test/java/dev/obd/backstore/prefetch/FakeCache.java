package dev.obd.backstore.prefetch;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.Prefetchable;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.BooleanSupplier;

/** A cache that is empty at first and remembers what was asked of it. */
final class FakeCache implements Prefetchable {
  /** What runs before each request, on the worker's thread. */
  interface Script {
    void before(Range range) throws IOException;
  }

  private final BlockSource blob;
  private final int unitBytes;
  private final BitSet present = new BitSet();
  private final List<Range> requests = new ArrayList<>();
  private final List<ReadContext> contexts = new ArrayList<>();
  private volatile Script script = range -> {};
  private volatile boolean strict;

  FakeCache(BlockSource blob, int unitBytes) {
    this.blob = blob;
    this.unitBytes = unitBytes;
  }

  void script(Script replacement) {
    script = replacement;
  }

  /** From now on, only what was prefetched can be read. */
  void readOnlyWhatIsPresent() {
    strict = true;
  }

  @Override
  public void prefetch(Range range) throws IOException {
    synchronized (this) {
      requests.add(range);
      contexts.add(ReadContext.current());
    }
    script.before(range);
    BlockSources.checkRange(this, range.offset(), range.length());
    synchronized (this) {
      present.set(
          (int) (range.offset() / unitBytes), (int) ((range.end() + unitBytes - 1) / unitBytes));
    }
  }

  @Override
  public void streamIn(Range range, BooleanSupplier wanted) throws IOException {
    prefetch(range);
  }

  synchronized List<Range> requests() {
    return List.copyOf(requests);
  }

  synchronized List<ReadContext> contexts() {
    return List.copyOf(contexts);
  }

  /** True if all units of this range were prefetched. */
  synchronized boolean holds(Range range) {
    int end = (int) ((range.end() + unitBytes - 1) / unitBytes);
    return range.length() == 0 || present.nextClearBit((int) (range.offset() / unitBytes)) >= end;
  }

  @Override
  public long unitBytes() {
    return unitBytes;
  }

  @Override
  public long size() {
    return blob.size();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    var range = new Range(offset, dst.remaining());
    if (strict && !holds(range)) {
      throw new IOException(name() + ": not prefetched: " + range);
    }
    blob.read(offset, dst);
  }

  @Override
  public String name() {
    return blob.name();
  }

  @Override
  public void close() throws IOException {
    blob.close();
  }
}
