package dev.obd.registry;

import java.io.IOException;

/**
 * Hears how the requests of a thread fare while they are made. Bound with {@link #run}; methods are
 * called on that thread and must be quick.
 */
public interface RequestListener {
  /** Does nothing. */
  RequestListener NONE = new RequestListener() {};

  /**
   * An answer, of whatever status, began {@code nanos} after its request was given out.
   *
   * @param origin who answered: scheme, host and port
   */
  default void answered(String origin, long nanos) {}

  /**
   * An attempt failed and will be made again after a pause.
   *
   * @throws IOException to end the attempts with this
   */
  default void retrying(RegistryException failure) throws IOException {}

  /** An operation that makes requests. */
  @FunctionalInterface
  interface Operation<T> {
    T run() throws IOException;
  }

  /** Runs {@code operation}, with this one hearing of its requests besides those bound before. */
  default <T> T run(Operation<T> operation) throws IOException {
    RequestListener outer = current();
    RequestListener inner = this;
    RequestListener both =
        new RequestListener() {
          @Override
          public void answered(String origin, long nanos) {
            inner.answered(origin, nanos);
            outer.answered(origin, nanos);
          }

          @Override
          public void retrying(RegistryException failure) throws IOException {
            inner.retrying(failure);
            outer.retrying(failure);
          }
        };
    return ScopedValue.where(Bound.CURRENT, both).<T, IOException>call(operation::run);
  }

  /** Who is to be told on this thread. */
  static RequestListener current() {
    return Bound.CURRENT.orElse(NONE);
  }

  /** Where the listener of a thread is kept. */
  final class Bound {
    private static final ScopedValue<RequestListener> CURRENT = ScopedValue.newInstance();

    private Bound() {}
  }
}
