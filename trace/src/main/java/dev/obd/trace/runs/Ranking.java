package dev.obd.trace.runs;

import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** What is worth fetching before it is asked for, when not everything can be. Pure functions. */
public final class Ranking {
  private Ranking() {}

  /**
   * The way to the bytes.
   *
   * @param rttMicros from a request to its first byte, in microseconds, at least 0
   * @param bytesPerSecond after that, at least 1
   */
  public record Way(long rttMicros, long bytesPerSecond) {
    /** 20 ms and 100 Mbit/s: what is taken where nobody has measured. */
    public static final Way USUAL = new Way(20_000, 12_500_000);

    public Way {
      if (rttMicros < 0 || bytesPerSecond < 1) {
        throw new IllegalArgumentException(
            "way: " + rttMicros + " us, " + bytesPerSecond + " bytes/s");
      }
    }

    /** How long a read of so many bytes waits that nobody has foreseen. */
    double stallMicros(long bytes) {
      return rttMicros + 1e6 * bytes / bytesPerSecond;
    }
  }

  /**
   * Some bytes that may be wanted.
   *
   * @param bytes at least 1
   * @param probability that they will be, 0 to 1
   * @param dueMicros when, in microseconds from now; {@link Long#MAX_VALUE} if nobody knows
   */
  public record Candidate(long bytes, double probability, long dueMicros) {
    public Candidate {
      if (bytes < 1 || !(probability >= 0 && probability <= 1) || dueMicros < 0) {
        throw new IllegalArgumentException(
            "candidate: " + bytes + " bytes, p " + probability + ", due " + dueMicros);
      }
    }

    /**
     * The stall that fetching them now is expected to save. A fetch that begins now saves no more
     * than the time until they are wanted.
     */
    public double savedMicros(Way way) {
      return probability * Math.min(way.stallMicros(bytes), (double) dueMicros);
    }
  }

  /**
   * How probable it is that a run reads what {@code support} of {@code runs} runs read: with the
   * prior of half a run that did and half a run that did not, so that nothing is certain.
   */
  public static double probability(int support, int runs) {
    if (support < 0 || support > runs) {
      throw new IllegalArgumentException("support: " + support + " of " + runs);
    }
    return (support + 0.5) / (runs + 1);
  }

  /**
   * Which candidates to fetch so that the most stall is saved: those that save the most for each of
   * their bytes, as far as they have room. What that saves is at least half of what the best choice
   * does, and all but the share of one candidate.
   *
   * @param budgetBytes of all that are chosen, at least 0
   * @return their places in the list
   */
  public static BitSet choose(List<Candidate> candidates, long budgetBytes, Way way) {
    if (budgetBytes < 0) {
      throw new IllegalArgumentException("budget: " + budgetBytes + " bytes");
    }
    double[] saved = candidates.stream().mapToDouble(c -> c.savedMicros(way)).toArray();
    int[] order =
        IntStream.range(0, saved.length)
            .boxed()
            .sorted(
                Comparator.<Integer>comparingDouble(i -> -saved[i] / candidates.get(i).bytes())
                    .thenComparing(Comparator.naturalOrder()))
            .mapToInt(Integer::intValue)
            .toArray();
    var chosen = new BitSet();
    long left = budgetBytes;
    double sum = 0;
    int best = -1;
    for (int i : order) {
      long bytes = candidates.get(i).bytes();
      if (bytes <= budgetBytes && (best < 0 || saved[i] > saved[best])) {
        best = i;
      }
      if (bytes <= left) {
        chosen.set(i);
        left -= bytes;
        sum += saved[i];
      }
    }
    // Small ones that save more for their bytes may have left no room for one that saves more.
    if (best >= 0 && saved[best] > sum) {
      chosen.clear();
      chosen.set(best);
    }
    return chosen;
  }
}
