package dev.obd.testdata;

import java.security.SecureRandom;
import java.util.stream.LongStream;

/**
 * Seeds of property tests, for {@code @MethodSource("dev.obd.testdata.Seeded#seeds")} with
 * {@code @ParameterizedTest(name = "seed {0}")}: a fixed list plus one from entropy, which the
 * test's name shows. {@code -Dobd.seed=N} runs one seed alone.
 */
public final class Seeded {
  private static final SecureRandom ENTROPY = new SecureRandom();

  private Seeded() {}

  /** Five fixed seeds and a fresh one. */
  public static LongStream seeds() {
    return seeds(5);
  }

  /** Two fixed seeds and a fresh one, for what is slow. */
  public static LongStream fewSeeds() {
    return seeds(2);
  }

  /** Fifty fixed seeds and a fresh one, for what is quick. */
  public static LongStream manySeeds() {
    return seeds(50);
  }

  private static LongStream seeds(int fixed) {
    String only = System.getProperty("obd.seed");
    if (only != null) {
      return LongStream.of(Long.parseLong(only));
    }
    return LongStream.concat(LongStream.rangeClosed(1, fixed), LongStream.of(fresh()));
  }

  /** A seed from entropy; whoever draws one must print it. */
  public static long fresh() {
    return ENTROPY.nextLong() >>> 16; // short enough to type
  }
}
