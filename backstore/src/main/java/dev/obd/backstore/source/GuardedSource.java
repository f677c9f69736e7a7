package dev.obd.backstore.source;

import dev.obd.backstore.device.OnStall;
import dev.obd.backstore.device.StallReport;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ByteReceiver;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RequestListener;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

/**
 * Tells {@link OriginHealth} how reads fare, and refuses those of devices that do not want to wait
 * for an origin that is down ({@link OnStall#READONLY_CACHE}).
 */
public final class GuardedSource extends PassingSource {
  /** With less than this a request says nothing of the origin. */
  private static final long LITTLE_NANOS = Duration.ofMillis(100).toNanos();

  private static final int MAX_CAUSES = 16; // a chain may be a ring

  private final BlockSource next;
  private final BlockSource origin;
  private final OriginHealth health;

  /**
   * Owns {@code next}.
   *
   * @param origin the source below {@code next} that makes the requests, for looking whether it is
   *     back without waiting for a turn
   */
  public GuardedSource(BlockSource next, BlockSource origin, OriginHealth health) {
    this.next = next;
    this.origin = origin;
    this.health = health;
    health.use(origin);
  }

  /** True for a failure after which the same read may succeed without anybody doing anything. */
  public static boolean mayPass(Throwable failure) {
    int depth = 0;
    for (Throwable t = failure; t != null && depth < MAX_CAUSES; t = t.getCause(), depth++) {
      if (t instanceof RegistryException e) {
        return e.isRetryable();
      }
      if (t instanceof OriginDownException) {
        return true;
      }
    }
    return false;
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
    guarded(
        () -> {
          next.read(offset, dst);
          return next;
        },
        () -> true);
  }

  @Override
  public void stream(Range range, ByteReceiver receiver) throws IOException {
    BlockSources.checkRange(this, range.offset(), range.length());
    if (range.length() == 0) {
      return;
    }
    var came = new AtomicBoolean();
    guarded(
        () -> {
          next.stream(
              range,
              bytes -> {
                came.set(true);
                health.heard();
                return receiver.take(bytes);
              });
          return next;
        },
        came::get); // a stream that was ended from here before anything came says nothing
  }

  private void guarded(RequestListener.Operation<BlockSource> read, BooleanSupplier answered)
      throws IOException {
    refuseIfDown();
    boolean hasTime = ReadContext.current().deadline().remainingNanos() > LITTLE_NANOS;
    var reading = new Reading();
    health.begin();
    try {
      BlockSource _ = reading.run(read);
      if (answered.getAsBoolean()) {
        health.answered();
      }
    } catch (IOException e) {
      if (e instanceof InterruptedIOException || (!hasTime && isTimedOut(e))) {
        throw withReason(e);
      }
      if (mayPass(e)) {
        health.failed(e.getMessage());
      }
      throw e;
    } finally {
      health.end(reading.waits);
    }
  }

  private static boolean isTimedOut(IOException e) {
    return e instanceof RegistryException r && r.kind() == RegistryException.Kind.TIMED_OUT;
  }

  /** Whoever had no turn in time wants to know what the others were waiting for. */
  private IOException withReason(IOException e) {
    String lately = health.lately();
    if (lately.isEmpty()) {
      return e;
    }
    var said = new InterruptedIOException(e.getMessage() + "; " + lately);
    said.initCause(e);
    return said;
  }

  private void refuseIfDown() throws IOException {
    if (OnStall.current() == OnStall.READONLY_CACHE && health.isDown()) {
      StallReport stall = health.stall().orElse(null);
      if (stall != null) {
        throw new OriginDownException(stall);
      }
    }
  }

  /** One read, while it is made. */
  private final class Reading implements RequestListener {
    private boolean waits;

    @Override
    public void retrying(RegistryException failure) throws IOException {
      health.failed(failure.getMessage());
      if (!waits) {
        waits = true;
        health.waits();
      }
      refuseIfDown();
    }
  }

  /** The origin is down, and the device does not wait for it. */
  private static final class OriginDownException extends IOException {
    private static final long serialVersionUID = 1;

    OriginDownException(StallReport stall) {
      super(
          "%s is down since %s and only what is cached is served: %s"
              .formatted(
                  stall.origin(), Duration.ofMillis(stall.lasting().toMillis()), stall.reason()));
    }
  }

  @Override
  public void close() throws IOException {
    health.release(origin);
    super.close();
  }
}
