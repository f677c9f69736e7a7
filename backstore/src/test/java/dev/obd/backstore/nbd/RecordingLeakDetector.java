package dev.obd.backstore.nbd;

import io.netty.util.ResourceLeakDetector;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Keeps what Netty finds leaked, for {@link NoLeaks}. Named in the module's pom. */
public final class RecordingLeakDetector<T> extends ResourceLeakDetector<T> {
  private static final Queue<String> REPORTS = new ConcurrentLinkedQueue<>();

  /** Called by Netty. */
  public RecordingLeakDetector(Class<?> type, int samplingInterval) {
    super(type, samplingInterval);
  }

  /** The constructor Netty had before; it complains where it is missing. */
  public RecordingLeakDetector(Class<?> type, int samplingInterval, long unused) {
    super(type, samplingInterval);
  }

  static Queue<String> reports() {
    return REPORTS;
  }

  @Override
  protected boolean needReport() {
    return true;
  }

  @Override
  protected void reportTracedLeak(String type, String records) {
    REPORTS.add(type + records);
  }

  @Override
  protected void reportUntracedLeak(String type) {
    REPORTS.add(type);
  }
}
