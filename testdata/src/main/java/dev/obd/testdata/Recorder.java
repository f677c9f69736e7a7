package dev.obd.testdata;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What a {@link FaultyRegistry} remembers of its requests. Thread-safe. */
final class Recorder {
  private final List<LoggedRequest> log = Collections.synchronizedList(new ArrayList<>());
  private final Map<String, AtomicInteger> attempts = new ConcurrentHashMap<>();
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong bytesSent = new AtomicLong();
  private final AtomicInteger inFlight = new AtomicInteger();
  private final AtomicInteger maxInFlight = new AtomicInteger();

  /** One request from its arrival on. */
  final class Entry {
    private final long arrived;
    private final Call call;
    private final String target;
    private final AtomicBoolean written = new AtomicBoolean();

    private Entry(long arrived, Call call, String target) {
      this.arrived = arrived;
      this.call = call;
      this.target = target;
    }

    long arrived() {
      return arrived;
    }

    Call call() {
      return call;
    }

    /** Writes the line of the log, unless that has been done. */
    void write(int status, long sent) {
      if (!written.getAndSet(true)) {
        long now = System.nanoTime();
        log.add(
            new LoggedRequest(
                arrived, now, call.origin(), call.method(), target, call.headers(), status, sent));
        bytesSent.addAndGet(sent);
        inFlight.decrementAndGet();
      }
    }
  }

  /** A request's head has arrived. */
  Entry begin(
      String origin,
      String method,
      String target,
      String path,
      Map<String, String> query,
      Map<String, String> headers) {
    long arrived = System.nanoTime();
    maxInFlight.accumulateAndGet(inFlight.incrementAndGet(), Math::max);
    String key = origin + method + path + headers.get("range");
    int attempt = attempts.computeIfAbsent(key, k -> new AtomicInteger()).getAndIncrement();
    long number = requests.getAndIncrement();
    var call = new Call(origin, method, path, query, headers, attempt, number);
    return new Entry(arrived, call, target);
  }

  List<LoggedRequest> log() {
    synchronized (log) {
      return List.copyOf(log);
    }
  }

  void clear() {
    log.clear();
    requests.set(0);
    bytesSent.set(0);
    maxInFlight.set(inFlight.get());
  }

  FaultyRegistry.Counters counters(long connections) {
    return new FaultyRegistry.Counters(
        requests.get(), bytesSent.get(), maxInFlight.get(), connections);
  }
}
