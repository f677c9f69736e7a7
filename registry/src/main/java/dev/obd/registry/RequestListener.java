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
   * An answer began: of a registry, of where it redirects to, or of its token service.
   *
   * @param origin who answered: scheme, host and port
   * @param status the HTTP status
   * @param date the Date field as it came; empty if there is none
   * @param nanos since the request was given out
   */
  record Exchange(String origin, int status, String date, long nanos) {}

  /** As {@link #answered}, in more detail, and of every single request. */
  default void exchanged(Exchange exchange) {}

  /**
   * An attempt failed and will be made again after a pause.
   *
   * @throws IOException to end the attempts with this
   */
  default void retrying(RegistryException failure) throws IOException {}

  /**
   * A transfer begins, which {@code how} ends from any thread, whatever it is waiting for: it then
   * returns as if its receiver had wanted no more. After the transfer {@code how} does nothing.
   */
  default void cancellable(Runnable how) {}

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
          public void exchanged(Exchange exchange) {
            inner.exchanged(exchange);
            outer.exchanged(exchange);
          }

          @Override
          public void cancellable(Runnable how) {
            inner.cancellable(how);
            outer.cancellable(how);
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
