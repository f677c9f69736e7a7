package dev.obd.backstore.source;

import dev.obd.io.BlockSource;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Measures each read. */
public final class MeteredSource extends PassingSource {
  private final BlockSource next;
  private final ReadRecorder recorder;
  private final Ticker ticker;

  /** {@code next} itself if nobody wants to be told. */
  public static BlockSource of(BlockSource next, ReadRecorder recorder, Ticker ticker) {
    return recorder.equals(ReadRecorder.NONE) ? next : new MeteredSource(next, recorder, ticker);
  }

  public MeteredSource(BlockSource next, ReadRecorder recorder, Ticker ticker) {
    this.next = next;
    this.recorder = recorder;
    this.ticker = ticker;
  }

  @Override
  public BlockSource base() {
    return next;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    int length = dst.remaining();
    long from = ticker.nanos();
    boolean ok = false;
    try {
      next.read(offset, dst);
      ok = true;
    } finally {
      recorder.read(offset, length, ticker.nanos() - from, ok);
    }
  }
}
