package dev.obd.trace;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Passes on what it is told while somebody listens: recording can begin and end while an image is
 * in use. With nobody there a read costs one look. Thread-safe.
 */
public final class AccessTap implements AccessSink {
  private final AtomicReference<@Nullable AccessSink> listener = new AtomicReference<>();

  /** {@code sink} is told from now on; false, and nothing changes, if somebody listens already. */
  public boolean connect(AccessSink sink) {
    return listener.compareAndSet(null, sink);
  }

  /** {@code sink} is told nothing more, but for reads that end at this moment. */
  public void disconnect(AccessSink sink) {
    listener.compareAndSet(sink, null);
  }

  /** True while somebody listens. */
  public boolean connected() {
    return listener.get() != null;
  }

  @Override
  public void read(int layer, long offset, int length) {
    AccessSink sink = listener.getAcquire();
    if (sink != null) {
      sink.read(layer, offset, length);
    }
  }
}
