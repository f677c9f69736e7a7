package dev.obd.backstore.cache;

import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How urgent a fetch is, which may rise while it is under way: a reader who comes to wait for a
 * prefetch makes it a demand. What queues fetches listens here. Thread-safe.
 */
public final class Urgency {
  private static final ScopedValue<Urgency> CURRENT = ScopedValue.newInstance();

  private Purpose purpose; // guarded by this
  private @Nullable List<Runnable> listeners; // guarded by this

  private static final BooleanSupplier NOBODY = () -> false;

  private final BooleanSupplier waitedFor;

  Urgency(Purpose purpose) {
    this(purpose, NOBODY);
  }

  /**
   * @param waitedFor true as long as somebody waits for what the fetch brings next; it may become
   *     false again, where {@link #raise} is for good
   */
  Urgency(Purpose purpose, BooleanSupplier waitedFor) {
    this.purpose = purpose;
    this.waitedFor = waitedFor;
  }

  /** Whether somebody waits for the next bytes of the fetch on this thread, though not for all. */
  public static BooleanSupplier waitedFor() {
    return CURRENT.isBound() ? CURRENT.get().waitedFor : NOBODY;
  }

  /** True for a fetch that is one long request on purpose. */
  public static boolean isStream() {
    return !NOBODY.equals(waitedFor());
  }

  /** Why the fetch on this thread happens, as of now. */
  public static Purpose now() {
    return CURRENT.isBound() ? CURRENT.get().purpose() : ReadContext.current().purpose();
  }

  /**
   * Calls {@code listener} once if the fetch on this thread becomes a demand; at once if it became
   * one after {@link #now} was asked. The listener must be quick, and must not mind coming late.
   */
  public static void whenRaised(Runnable listener) {
    if (CURRENT.isBound()) {
      CURRENT.get().listen(listener);
    }
  }

  synchronized Purpose purpose() {
    return purpose;
  }

  private void listen(Runnable listener) {
    synchronized (this) {
      if (purpose != Purpose.DEMAND) {
        if (listeners == null) {
          listeners = new ArrayList<>(1);
        }
        listeners.add(listener);
        return;
      }
    }
    listener.run();
  }

  /** Makes it a demand; true the first time. */
  boolean raise() {
    List<Runnable> toldNow;
    synchronized (this) {
      if (purpose == Purpose.DEMAND) {
        return false;
      }
      purpose = Purpose.DEMAND;
      toldNow = listeners == null ? List.of() : listeners;
      listeners = null;
    }
    toldNow.forEach(Runnable::run);
    return true;
  }

  <T> T run(ReadContext.Operation<T> operation) throws IOException {
    return ScopedValue.where(CURRENT, this).<T, IOException>call(operation::run);
  }
}
