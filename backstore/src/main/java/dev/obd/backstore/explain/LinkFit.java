package dev.obd.backstore.explain;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The link that a log was made over: the one on which its requests, sent when they were, would have
 * ended most nearly when they did.
 */
final class LinkFit {
  private static final int MOST_REQUESTS = 2000;
  private static final long MOST_BYTES = 24 << 20;
  private static final double SLOWEST = 10_000; // bytes per second
  private static final double FASTEST = 1e10;

  private record Fitted(Link link, double error) {}

  private final List<WireRequest> requests;

  private LinkFit(List<WireRequest> requests) {
    this.requests = requests;
  }

  /** Empty if no request succeeded. */
  static Optional<Link> of(List<WireRequest> all) {
    List<WireRequest> requests = new ArrayList<>();
    long bytes = 0;
    for (WireRequest request : all) {
      if (request.ok() && request.length() > 0 && request.length() <= MOST_BYTES) {
        requests.add(request);
        bytes += request.length();
        if (bytes > MOST_BYTES || requests.size() == MOST_REQUESTS) {
          break;
        }
      }
    }
    return requests.isEmpty()
        ? Optional.empty()
        : Optional.of(new LinkFit(requests).search().link());
  }

  private Fitted search() {
    Fitted best = best(SLOWEST, FASTEST, 24);
    for (double width = 1.5; width > 1.004; width = Math.sqrt(width)) {
      double rate = best.link().bytesPerSecond();
      Fitted near = best(rate / width, rate * width, 6);
      best = near.error() < best.error() ? near : best;
    }
    return best;
  }

  private Fitted best(double slowest, double fastest, int steps) {
    Fitted best = null;
    for (int i = 0; i <= steps; i++) {
      Fitted fitted = fit(slowest * Math.pow(fastest / slowest, (double) i / steps));
      best = best == null || fitted.error() < best.error() ? fitted : best;
    }
    return best == null ? fit(fastest) : best;
  }

  /** The best round trip for a bandwidth: what the typical request took besides its bytes. */
  private Fitted fit(double bytesPerSecond) {
    Link link = new Link(0, bytesPerSecond);
    for (int round = 0; round < 2; round++) { // the second sees answers as they come one by one
      double[] rest = misses(link);
      Arrays.sort(rest);
      double rtt = Math.max(0, link.rttMicros() + rest[rest.length / 2]);
      link = new Link(Math.round(rtt), bytesPerSecond);
    }
    double[] rest = misses(link);
    double error = 0;
    for (double miss : rest) {
      error += Math.abs(miss);
    }
    return new Fitted(link, error / rest.length);
  }

  /** By how much each request really took longer than over {@code link}. */
  private double[] misses(Link link) {
    Line line = new Line(link);
    double[] misses = new double[requests.size()];
    for (int i = 0; i < misses.length; i++) {
      WireRequest request = requests.get(i);
      int which = i;
      line.at(
          (double) request.beginMicros(),
          () ->
              line.send(
                  request.length(),
                  new Line.Answer() {
                    @Override
                    void arrived(long bytes, double micros) {}

                    @Override
                    void ended(double micros) {
                      misses[which] = request.endMicros() - micros;
                    }
                  }));
    }
    line.run();
    return misses;
  }
}
