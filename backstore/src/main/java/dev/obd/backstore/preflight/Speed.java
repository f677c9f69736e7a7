package dev.obd.backstore.preflight;

import dev.obd.io.BlockSource;
import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import dev.obd.registry.RequestListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;

/** Reads a little of a blob and takes the time. */
final class Speed {
  private static final int SMALL = 4096;
  private static final int SMALL_READS = 5;
  private static final int STREAMS = 4;
  private static final int PART = 1 << 20;

  /**
   * What was measured.
   *
   * @param medianNanos of reads of 4 KiB, one after another
   * @param bytesPerSecond of reads of 1 MiB, four at once; the second half of a small blob's
   */
  record Result(long medianNanos, double bytesPerSecond) {}

  private final Ticker ticker;
  private final Executor executor;
  private final Duration patience;
  private final RequestListener listener;

  Speed(Ticker ticker, Executor executor, Duration patience, RequestListener listener) {
    this.ticker = ticker;
    this.executor = executor;
    this.patience = patience;
    this.listener = listener;
  }

  Result of(BlockSource blob) throws IOException, InterruptedException {
    Deadline deadline = Deadline.after(ticker, patience);
    var nanos = new long[SMALL_READS];
    for (int i = 0; i < SMALL_READS; i++) {
      long at = blob.size() / SMALL_READS * i;
      nanos[i] = read(blob, at, (int) Math.min(SMALL, blob.size() - at), deadline);
    }
    Arrays.sort(nanos);
    return new Result(nanos[SMALL_READS / 2], bandwidth(blob, deadline));
  }

  private double bandwidth(BlockSource blob, Deadline deadline)
      throws IOException, InterruptedException {
    int part = (int) Math.min(PART, blob.size() / STREAMS);
    if (part == 0) {
      return 0;
    }
    long start = ticker.nanos();
    List<FutureTask<Long>> reads = new ArrayList<>();
    for (int i = 0; i < STREAMS; i++) {
      long at = blob.size() / STREAMS * i;
      var read = new FutureTask<>(() -> read(blob, at, part, deadline));
      reads.add(read);
      executor.execute(read);
    }
    for (FutureTask<Long> read : reads) {
      try {
        long _ = read.get();
      } catch (ExecutionException e) {
        throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
      }
    }
    return STREAMS * (double) part * 1e9 / Math.max(1, ticker.nanos() - start);
  }

  private long read(BlockSource blob, long at, int length, Deadline deadline) throws IOException {
    long start = ticker.nanos();
    var context = new ReadContext(ReadContext.Purpose.DEMAND, deadline);
    BlockSource _ =
        listener.run(() ->
            context.run(() -> {
              blob.read(at, ByteBuffer.allocate(length));
              return blob;
            }));
    return ticker.nanos() - start;
  }
}
