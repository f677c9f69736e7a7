package dev.obd.backstore.device;

import dev.obd.io.Ticker;
import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * How a device treats requests.
 *
 * @param readPatience how long sources below may wait on behalf of one request; positive
 * @param hangGrace how much longer a read may stay inside the disk before it is answered over the
 *     disk's head; positive
 * @param ticker the clock of both
 * @param executor runs each task on a thread of its own, at once; tasks block
 * @param onStall what becomes of reads whose origin does not answer
 */
public record DeviceOptions(
    Duration readPatience, Duration hangGrace, Ticker ticker, Executor executor, OnStall onStall) {
  /** 60 s of patience, 5 s of grace, the machine's clock, a virtual thread per request. */
  public static final DeviceOptions DEFAULTS =
      new DeviceOptions(
          Duration.ofSeconds(60),
          Duration.ofSeconds(5),
          Ticker.SYSTEM,
          task -> Thread.ofVirtual().start(task));

  public DeviceOptions {
    if (readPatience.isZero() || readPatience.isNegative()) {
      throw new IllegalArgumentException("readPatience: must be positive, is " + readPatience);
    }
    if (hangGrace.isZero() || hangGrace.isNegative()) {
      throw new IllegalArgumentException("hangGrace: must be positive, is " + hangGrace);
    }
  }

  /** Reads whose origin does not answer fail when the patience is over. */
  public DeviceOptions(
      Duration readPatience, Duration hangGrace, Ticker ticker, Executor executor) {
    this(readPatience, hangGrace, ticker, executor, OnStall.EIO);
  }

  public DeviceOptions withOnStall(OnStall policy) {
    return new DeviceOptions(readPatience, hangGrace, ticker, executor, policy);
  }

  public DeviceOptions withReadPatience(Duration patience) {
    return new DeviceOptions(patience, hangGrace, ticker, executor, onStall);
  }

  public DeviceOptions withHangGrace(Duration grace) {
    return new DeviceOptions(readPatience, grace, ticker, executor, onStall);
  }

  public DeviceOptions withTicker(Ticker clock) {
    return new DeviceOptions(readPatience, hangGrace, clock, executor, onStall);
  }
}
