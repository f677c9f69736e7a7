package dev.obd.backstore.source;

import dev.obd.backstore.cache.Urgency;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
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
}
