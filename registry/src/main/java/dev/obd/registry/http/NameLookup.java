package dev.obd.registry.http;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.hc.client5.http.DnsResolver;

/**
 * Resolves host names no longer than the caller's limit: the system's resolver cannot be
 * interrupted, so it works on a thread of its own, which is left behind when it is too slow.
 */
final class NameLookup implements DnsResolver {
  /** A host with a hundred addresses must not cost a hundred connect timeouts. */
  private static final int MAX_ADDRESSES = 3;

  @Override
  public InetAddress[] resolve(String host) throws UnknownHostException {
    var found = new CompletableFuture<InetAddress[]>();
    // A platform thread: the lookup is a native call and would hold a carrier.
    Thread.ofPlatform().daemon().name("obd-dns").start(() -> lookUp(host, found));
    try {
      return few(found.get(CurrentLimit.get().remainingNanos(), TimeUnit.NANOSECONDS));
    } catch (TimeoutException e) {
      throw unknown(host, "no answer from the resolver in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unknown(host, "interrupted", e);
    } catch (ExecutionException e) {
      throw unknown(host, "unknown host", e);
    }
  }

  @Override
  public String resolveCanonicalHostname(String host) {
    return host;
  }

  private static void lookUp(String host, CompletableFuture<InetAddress[]> found) {
    try {
      found.complete(InetAddress.getAllByName(host));
    } catch (UnknownHostException | RuntimeException e) {
      found.completeExceptionally(e);
    }
  }

  /** The first few, of both families if there are both. */
  private static InetAddress[] few(InetAddress[] all) {
    List<InetAddress> chosen =
        new ArrayList<>(List.of(all).subList(0, Math.min(all.length, MAX_ADDRESSES)));
    boolean first = all[0] instanceof Inet6Address;
    if (chosen.size() < all.length
        && chosen.stream().allMatch(a -> a instanceof Inet6Address == first)) {
      for (InetAddress other : all) {
        if (other instanceof Inet6Address != first) {
          chosen.set(chosen.size() - 1, other);
          break;
        }
      }
    }
    return chosen.toArray(InetAddress[]::new);
  }

  private static UnknownHostException unknown(String host, String why, Exception cause) {
    var e = new UnknownHostException(host + ": " + why);
    e.initCause(cause);
    return e;
  }
}
