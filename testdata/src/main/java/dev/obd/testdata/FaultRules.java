package dev.obd.testdata;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which request gets which fault: by order of the test, else by the profile's dice. Thread-safe.
 */
final class FaultRules {
  private final List<Rule> rules = new CopyOnWriteArrayList<>();
  private final SplittableRandom random;

  private record Rule(Predicate<Call> when, Fault fault, AtomicInteger left) {
    boolean take(Call call) {
      return left.get() > 0 && when.test(call) && left.getAndDecrement() > 0;
    }
  }

  FaultRules(long seed) {
    random = new SplittableRandom(seed);
  }

  /** Adds a rule before all others. */
  void add(int times, Predicate<Call> when, Fault fault) {
    rules.addFirst(new Rule(when, fault, new AtomicInteger(times)));
  }

  void clear() {
    rules.clear();
  }

  /** The fault of this request, or null; a rule with a number of times has one less left. */
  @Nullable Fault pick(Call call, Profile profile) {
    for (Rule rule : rules) {
      if (rule.take(call)) {
        return rule.fault;
      }
    }
    if (profile.errorRate() == 0 && profile.stallRate() == 0) {
      return null;
    }
    synchronized (random) {
      double dice = random.nextDouble();
      if (dice < profile.errorRate()) {
        return new Fault.Status(503);
      }
      return dice < profile.errorRate() + profile.stallRate()
          ? new Fault.Delay(profile.stall())
          : null;
    }
  }
}
