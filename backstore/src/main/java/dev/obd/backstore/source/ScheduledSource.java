package dev.obd.backstore.source;

import dev.obd.backstore.cache.Urgency;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ByteReceiver;
import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;

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
    if (!dst.hasRemaining()) {
      return;
    }
    BlockSource _ =
        scheduler.run(
            Urgency.now(),
            dst.remaining(),
            () -> {
              next.read(offset, dst);
              return next;
            });
  }

  @Override
  public void stream(Range range, ByteReceiver receiver) throws IOException {
    BlockSources.checkRange(this, range.offset(), range.length());
    if (range.length() == 0) {
      return;
    }
    BlockSource _ =
        scheduler.run(
            Urgency.now(),
            range.length(),
            () -> {
              next.stream(range, receiver);
              return next;
            });
  }
}
