package dev.obd.registry.http;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A peer-to-peer proxy by prefix: {@code GET <address>/<actual URL>}. Used while it answers: it is
 * knocked at when a blob is opened and, after a failure, now and then; without it data comes
 * straight from where the registry says. Thread-safe.
 */
final class Accelerator {
  private static final Duration KNOCK = Duration.ofSeconds(1);
  private static final long FRESH_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long AGAIN_NANOS = Duration.ofSeconds(30).toNanos();
  private static final Logger log = LogManager.getLogger(Accelerator.class);

  private final RegistryOptions options;
  private final @Nullable URI address;
  private volatile boolean up;
  private @Nullable CompletableFuture<Boolean> knock; // guarded by this
  private long knockedNanos; // guarded by this

  /** Of {@code options}, or none. */
  Accelerator(RegistryOptions options) {
    this.options = options;
    this.address = options.network().accelerator().orElse(null);
  }

  /** A blob is opened: a good moment to look again. Does not wait. */
  void opened() {
    if (address != null) {
      CompletableFuture<Boolean> _ = knock(FRESH_NANOS);
    }
  }

  /** Where to send data requests to; empty for straight there. Waits for the first knock only. */
  Optional<URI> address() {
    URI to = address;
    if (to == null) {
      return Optional.empty();
    }
    CompletableFuture<Boolean> current = knock(up ? Long.MAX_VALUE : AGAIN_NANOS);
    if (!up && !current.isDone()) {
      try {
        boolean _ = current.get(KNOCK.toNanos(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException | ExecutionException e) {
        return Optional.empty();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return Optional.empty();
      }
    }
    return up ? Optional.of(to) : Optional.empty();
  }

  /** A request to it came to nothing. */
  void failed(String why) {
    if (up) {
      up = false;
      log.warn("accelerator.off address={} reason={}", address, why);
    }
    synchronized (this) {
      knockedNanos = options.clock().nanos();
    }
  }

  private synchronized CompletableFuture<Boolean> knock(long notWithinNanos) {
    CompletableFuture<Boolean> last = knock;
    long now = options.clock().nanos();
    if (last != null && (!last.isDone() || now - knockedNanos < notWithinNanos)) {
      return last;
    }
    knockedNanos = now;
    var next = new CompletableFuture<Boolean>();
    knock = next;
    // A platform thread: looking up the name is a native call.
    Thread.ofPlatform().daemon().name("obd-accelerator").start(() -> connect(next));
    return next;
  }

  private void connect(CompletableFuture<Boolean> result) {
    URI to = address;
    boolean reached = false;
    if (to != null) {
      int port = Origin.of(to).port();
      try (var socket = new Socket()) {
        socket.connect(new InetSocketAddress(to.getHost(), port), (int) KNOCK.toMillis());
        reached = true;
      } catch (IOException | RuntimeException e) {
        log.debug("accelerator.unreachable address={}", to, e);
      }
    }
    if (reached != up) {
      log.info("accelerator.{} address={}", reached ? "on" : "off", to);
    }
    up = reached;
    result.complete(reached);
  }
}
