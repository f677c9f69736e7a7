package dev.obd.testdata;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Bytes that can be told from a kind, a seed and a length: what the golden vectors were filled
 * with. Same results as {@code content()} in golden/gen.py.
 *
 * <pre>
 * rand  a SplitMix64 stream, each output as 8 little-endian bytes
 * text  words of a fixed list, separated by blanks and line feeds
 * mix   per 4096-byte page: random, text, text or one repeated byte
 * zero  0x00        ff  0xff
 * </pre>
 */
public final class Contents {
  private static final int PAGE = 4096;
  private static final byte[][] WORDS = words();

  private Contents() {}

  /** {@code length} bytes of {@code kind}. */
  public static byte[] of(String kind, long seed, int length) {
    byte[] out = new byte[length];
    switch (kind) {
      case "rand" -> rand(seed, out, 0, length);
      case "text" -> text(seed, out, 0, length);
      case "mix" -> mix(seed, out);
      case "zero" -> {}
      case "ff" -> Arrays.fill(out, (byte) 0xff);
      default -> throw new IllegalArgumentException("content kind: " + kind);
    }
    return out;
  }

  private static void rand(long seed, byte[] out, int from, int to) {
    var random = new SplitMix64(seed);
    for (int i = from; i < to; i += 8) {
      long v = random.next();
      for (int b = i; b < Math.min(i + 8, to); b++, v >>>= 8) {
        out[b] = (byte) v;
      }
    }
  }

  private static void text(long seed, byte[] out, int from, int to) {
    var random = new SplitMix64(seed);
    int i = from;
    while (i < to) {
      long v = random.next();
      byte[] word = WORDS[(int) (v & 63)];
      int n = Math.min(word.length, to - i);
      System.arraycopy(word, 0, out, i, n);
      i += n;
      if (i < to) {
        out[i++] = (byte) ((v >>> 6 & 15) == 0 ? '\n' : ' ');
      }
    }
  }

  private static void mix(long seed, byte[] out) {
    var random = new SplitMix64(seed);
    for (int from = 0; from < out.length; from += PAGE) {
      int to = Math.min(from + PAGE, out.length);
      long v = random.next();
      switch ((int) (v & 3)) {
        case 0 -> rand(v, out, from, to);
        case 1, 2 -> text(v, out, from, to);
        default -> Arrays.fill(out, from, to, (byte) (v >>> 8));
      }
    }
  }

  private static byte[][] words() {
    String list =
        "the layer block device image container index mapping segment offset length header trailer"
            + " data sector virtual size uuid parent merge commit sealed sparse read write random"
            + " sequential page cache registry overlay snapshot file directory link symbol function"
            + " return const static void int uint64_t struct class template include define while for"
            + " if else switch case break continue true false null error warning info debug trace";
    return Arrays.stream(list.split(" "))
        .map(word -> word.getBytes(StandardCharsets.US_ASCII))
        .toArray(byte[][]::new);
  }

  /** The generator of the golden vectors; java.util.SplittableRandom is another one. */
  private static final class SplitMix64 {
    private long state;

    SplitMix64(long seed) {
      state = seed;
    }

    long next() {
      state += 0x9E3779B97F4A7C15L;
      long z = state;
      z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
      z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
      return z ^ z >>> 31;
    }
  }
}
