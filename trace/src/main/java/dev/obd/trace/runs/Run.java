package dev.obd.trace.runs;

import dev.obd.trace.Access;
import dev.obd.trace.Intervals;
import dev.obd.trace.Intervals.Interval;
import dev.obd.trace.Trace;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * What one run of a program read first, in the order in which it did. Immutable, and canonical: two
 * runs are equal only if nothing tells them apart.
 *
 * @param started when the recording began, to the second
 * @param name of the program, or empty; at most {@link #MAX_NAME_BYTES} in UTF-8
 * @param layers digests of the layers' blobs ({@code sha256:…}), ascending, each touched
 * @param touches by time, layer and offset; no byte of a layer twice
 */
public record Run(Instant started, String name, List<String> layers, List<Touch> touches)
    implements Comparable<Run> {
  /** What a run reads after so many is left out. */
  public static final int MAX_TOUCHES = 1 << 16;

  public static final int MAX_LAYERS = 4096;
  public static final int MAX_NAME_BYTES = 128;

  private static final Comparator<Touch> ORDER =
      Comparator.comparingLong(Touch::micros)
          .thenComparingInt(Touch::layer)
          .thenComparingLong(Touch::offset);

  /** Newest first; of the same second by content. */
  private static final Comparator<Run> NEWEST_FIRST =
      Comparator.comparing(Run::started).reversed().thenComparing(Run::id).thenComparing(Run::name);

  private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");
  private static final long MAX_SECONDS = 1L << 40;

  /**
   * Checks that it is canonical.
   *
   * @throws IllegalArgumentException if it is not: says what is wrong
   */
  public Run {
    layers = List.copyOf(layers);
    touches = List.copyOf(touches);
    require(
        started.getNano() == 0
            && started.getEpochSecond() >= 0
            && started.getEpochSecond() < MAX_SECONDS,
        "started: expected a whole second since 1970, got " + started.getEpochSecond());
    require(isName(name), "name: expected at most " + MAX_NAME_BYTES + " bytes");
    require(layers.size() <= MAX_LAYERS, "layers: more than " + MAX_LAYERS);
    require(touches.size() <= MAX_TOUCHES, "touches: more than " + MAX_TOUCHES);
    for (int i = 0; i < layers.size(); i++) {
      require(DIGEST.matcher(layers.get(i)).matches(), "layer " + i + ": not a sha256 digest");
      require(
          i == 0 || layers.get(i - 1).compareTo(layers.get(i)) < 0,
          "layer " + i + ": not after the one before");
    }
    requireCanonical(touches, layers.size());
  }

  /** True if a run may be called that. */
  public static boolean isName(String name) {
    return name.getBytes(StandardCharsets.UTF_8).length <= MAX_NAME_BYTES;
  }

  private static void requireCanonical(List<Touch> touches, int layers) {
    var touched = new BitSet();
    for (int i = 0; i < touches.size(); i++) {
      Touch touch = touches.get(i);
      require(touch.layer() < layers, "touch " + i + ": no layer " + touch.layer());
      require(
          i == 0 || ORDER.compare(touches.get(i - 1), touch) < 0,
          "touch " + i + ": not after the one before");
      touched.set(touch.layer());
    }
    require(touched.cardinality() == layers, "layers: some are not touched");
    List<Touch> byPlace = new ArrayList<>(touches);
    byPlace.sort(Comparator.comparingInt(Touch::layer).thenComparingLong(Touch::offset));
    for (int i = 1; i < byPlace.size(); i++) {
      Touch before = byPlace.get(i - 1);
      Touch touch = byPlace.get(i);
      require(
          before.layer() != touch.layer() || before.offset() + before.length() <= touch.offset(),
          "layer " + touch.layer() + ": bytes at " + touch.offset() + " touched twice");
    }
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new IllegalArgumentException(otherwise);
    }
  }

  /**
   * The run that a recording was. Where nobody noted the times, the numbers of the reads stand for
   * them: what came first is known all the same.
   *
   * @param digests of the image's layers, the lowest first; reads of layers beyond them are left
   *     out
   */
  public static Run of(Instant started, String name, Trace trace, List<String> digests) {
    List<Touch> first = firstTouches(trace, digests);
    SortedSet<String> touched = new TreeSet<>();
    first.forEach(touch -> touched.add(digests.get(touch.layer())));
    List<String> layers = List.copyOf(touched);
    List<Touch> touches =
        first.stream()
            .map(t -> {
              int layer = Collections.binarySearch(layers, digests.get(t.layer()));
              return new Touch(t.micros(), layer, t.offset(), t.length());
            })
            .sorted(ORDER)
            .toList();
    return new Run(Instant.ofEpochSecond(started.getEpochSecond()), name, layers, touches);
  }

  private static List<Touch> firstTouches(Trace trace, List<String> digests) {
    List<Touch> first = new ArrayList<>();
    Map<String, Intervals> seen = new HashMap<>(); // an image may have a layer twice
    boolean timed = IntStream.range(0, trace.size()).anyMatch(i -> trace.micros(i) > 0);
    for (int i = 0; i < trace.size(); i++) {
      Access access = trace.get(i);
      if (access.layer() >= digests.size()) {
        continue;
      }
      Intervals layer = seen.computeIfAbsent(digests.get(access.layer()), _ -> new Intervals());
      long end = access.offset() + access.length();
      for (Interval fresh : layer.add(access.offset(), end)) {
        if (first.size() == MAX_TOUCHES) {
          return first;
        }
        long length = fresh.end() - fresh.from();
        first.add(new Touch(timed ? trace.micros(i) : i, access.layer(), fresh.from(), length));
      }
    }
    return first;
  }

  /** A name for its content: two runs with the same one are the same. */
  public RunId id() {
    return RunId.of(this);
  }

  /** Bytes read, each once. */
  public long bytes() {
    return touches.stream().mapToLong(Touch::length).sum();
  }

  @Override
  public int compareTo(Run other) {
    return NEWEST_FIRST.compare(this, other);
  }
}
