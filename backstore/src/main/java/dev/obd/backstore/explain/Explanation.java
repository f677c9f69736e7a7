package dev.obd.backstore.explain;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a start log says. Times are microseconds since the log began, sizes bytes.
 *
 * @param image what it is called
 * @param time of the start and its parts
 * @param wire what was fetched
 * @param classes what that was good for: all classes, their sum is {@code wire.bytes()}
 * @param replay what became of the trace's records
 * @param stalls which reads waited
 * @param layers what was fetched of each, lowest first
 * @param requests every request, in order of their beginning
 * @param link the one that the log was made over, as far as can be told from it; null without
 *     requests
 * @param whatIf how the start would have gone, by the model; first as it was
 * @param dropped events for which the log had no room: what is said here is then of its beginning
 */
public record Explanation(
    String image,
    Time time,
    Wire wire,
    Map<ByteClass, Long> classes,
    Replay replay,
    Stalls stalls,
    List<LayerShare> layers,
    List<Request> requests,
    @Nullable Link link,
    List<WhatIf> whatIf,
    long dropped) {
  /**
   * How long things took.
   *
   * @param openMicros until the first read of the disk began
   * @param endMicros until the last one ended
   * @param logMicros until the log ended
   * @param stalledMicros while at least one read waited for the wire
   * @param reads of the disk
   * @param readBytes of them
   */
  public record Time(
      long openMicros,
      long endMicros,
      long logMicros,
      long stalledMicros,
      long reads,
      long readBytes) {}

  /**
   * What went over the wire.
   *
   * @param requests that succeeded
   * @param failed requests that did not
   * @param bytes that arrived
   */
  public record Wire(long requests, long failed, long bytes) {}

  /**
   * What became of the trace's records; their sum is {@code records}.
   *
   * @param useful here before they were read
   * @param late waited for
   * @param overtaken fetched by a read before the replay came to them
   * @param early came, and lost before they were read
   * @param wasted fetched and not read
   * @param idle not fetched: here before, or not yet when the log ended
   */
  public record Replay(
      long records,
      long steps,
      long useful,
      long late,
      long overtaken,
      long early,
      long wasted,
      long idle) {}

  /**
   * The reads that waited.
   *
   * @param count of all
   * @param micros of all together
   * @param chain how many of them are in the heaviest chain of which none began before the one
   *     before it was over
   * @param chainMicros that chain waited
   * @param longest of the chain, the longest first; at most as many as were asked for
   */
  public record Stalls(
      long count, long micros, long chain, long chainMicros, List<Stall> longest) {}

  /**
   * A read that waited.
   *
   * @param atMicros when it began to
   * @param micros how long
   * @param why what it waited for: {@link ByteClass#MISSED}, {@link ByteClass#OVERTAKEN} or {@link
   *     ByteClass#LATE}
   * @param layer whose blob that was
   * @param offset disk bytes
   * @param file the first file there; null if that is not known
   */
  public record Stall(
      long atMicros,
      long micros,
      ByteClass why,
      int layer,
      long offset,
      long length,
      @Nullable String file) {}

  /** What was fetched of a layer. */
  public record LayerShare(String name, long requests, long bytes, Map<ByteClass, Long> classes) {}

  /**
   * A request.
   *
   * @param purpose why it was made: demand, replay, background
   * @param raised somebody came to wait for it
   */
  public record Request(
      int layer,
      long offset,
      long length,
      long queuedMicros,
      long beginMicros,
      long endMicros,
      String purpose,
      boolean raised,
      boolean ok,
      Map<ByteClass, Long> classes) {}

  /** How the start would have gone. */
  public record WhatIf(Scenario scenario, Prediction prediction) {}

  public Explanation {
    classes = Collections.unmodifiableMap(new EnumMap<>(classes));
    layers = List.copyOf(layers);
    requests = List.copyOf(requests);
    whatIf = List.copyOf(whatIf);
  }
}
