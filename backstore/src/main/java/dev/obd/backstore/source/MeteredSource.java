package dev.obd.backstore.source;

import dev.obd.io.BlockSource;
import dev.obd.io.ByteReceiver;
import dev.obd.io.Range;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.LongAdder;

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

  /** Counts what came, whether or not the receiver wanted all of it. */
  @Override
  public void stream(Range range, ByteReceiver receiver) throws IOException {
    var came = new LongAdder();
    long from = ticker.nanos();
    boolean ok = false;
    try {
      next.stream(
          range,
          bytes -> {
            came.add(bytes.remaining());
            return receiver.take(bytes);
          });
      ok = true;
    } finally {
      int length = (int) Math.min(ok ? came.sum() : range.length(), Integer.MAX_VALUE);
      recorder.read(range.offset(), length, ticker.nanos() - from, ok);
    }
  }
}
