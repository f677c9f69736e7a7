package dev.obd.backstore.source;

import dev.obd.backstore.cache.Urgency;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ByteReceiver;
import dev.obd.io.Range;
import dev.obd.io.ReadContext.Purpose;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/** Waits for its turn at the host before each read. */
public final class ScheduledSource extends PassingSource {
  private final BlockSource next;
  private final FetchScheduler scheduler;

  /** Owns {@code next}, not the scheduler. */
  public ScheduledSource(BlockSource next, FetchScheduler scheduler) {
    this.next = next;
    this.scheduler = scheduler;
  }

  @Override
  public BlockSource base() {
    return next;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    if (Urgency.now() == Purpose.DEMAND && dst.hasRemaining()) {
      BlockSource _ =
          scheduler.run(
              Purpose.DEMAND,
              dst.remaining(),
              () -> {
                next.read(offset, dst);
                return next;
              });
      return;
    }
    int begin = dst.position();
    while (dst.hasRemaining()) { // a transfer may be cut, a read may not
      var rest = new Range(offset + dst.position() - begin, dst.remaining());
      stream(
          rest,
          bytes -> {
            dst.put(bytes);
            return true;
          });
    }
  }

  @Override
  public void stream(Range range, ByteReceiver receiver) throws IOException {
    BlockSources.checkRange(this, range.offset(), range.length());
    scheduler.transfer(
        range.length(),
        (done, length, arrivals) -> {
          var wanted = new AtomicBoolean(true);
          next.stream(
              new Range(range.offset() + done, length),
              bytes -> {
                int came = bytes.remaining();
                wanted.set(receiver.take(bytes));
                return arrivals.arrived(came) && wanted.get();
              });
          return wanted.get();
        });
  }
}
