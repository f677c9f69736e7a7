package dev.obd.backstore.device;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The calls inside the disk. */
final class InFlight {
  private final Set<Call> calls = ConcurrentHashMap.newKeySet();
  private final CountDownLatch drained = new CountDownLatch(1);
  private volatile boolean draining;

  void add(Call call) {
    calls.add(call);
  }

  void remove(Call call) {
    calls.remove(call);
    if (draining && calls.isEmpty()) {
      drained.countDown();
    }
  }

  Set<Call> calls() {
    return calls;
  }

  boolean isEmpty() {
    return calls.isEmpty();
  }

  int size() {
    return calls.size();
  }

  /**
   * Waits until nothing is left. Whoever adds a call looks at the device's state afterwards and the
   * state was changed before this is called, so no call comes in unseen.
   */
  boolean awaitEmpty(Duration timeout) throws InterruptedException {
    draining = true;
    if (calls.isEmpty()) {
      drained.countDown();
    }
    return drained.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }
}
