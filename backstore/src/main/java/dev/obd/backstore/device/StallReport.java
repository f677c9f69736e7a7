package dev.obd.backstore.device;

import java.time.Duration;

/**
 * Why reads do not get on.
 *
 * @param origin that does not answer as it should: a host
 * @param reason what the latest attempt came to
 * @param lasting since the first attempt that failed after the last that did not
 * @param waiting reads that wait for it now
 */
public record StallReport(String origin, String reason, Duration lasting, int waiting) {
  /** The same, for those who wait at one device. */
  StallReport withWaiting(int readers) {
    return new StallReport(origin, reason, lasting, readers);
  }
}
