package dev.obd.backstore.prefetch;

import dev.obd.io.FailureText;
import dev.obd.io.Printable;
import dev.obd.trace.Access;
import dev.obd.trace.Coalescer;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import dev.obd.trace.runs.Ranking;
import dev.obd.trace.runs.Ranking.Candidate;
import dev.obd.trace.runs.Run;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * What is recorded of an image's start.
 *
 * @param trace the reads of one run, or what several have in common; speaks of layers by their
 *     place
 * @param runs the same run by run, and when each read was; speak of layers by their digests
 * @param missing why something that is recorded is not among them; empty: nothing is missing
 */
public record Recordings(Optional<Trace> trace, Runs runs, Optional<String> missing) {
  private static final Logger log = LogManager.getLogger(Recordings.class);

  /** Nothing. */
  public static final Recordings NONE =
      new Recordings(Optional.empty(), Runs.NONE, Optional.empty());

  /** The largest file of runs that is kept with an image, in bytes: 300 thousand touches or so. */
  public static final int MAX_RUNS_BYTES = 2 << 20;

  /** Pieces that a trace is cut into before some are chosen: as it is requested. In bytes. */
  private static final long PIECE_BYTES = 1 << 20;

  /** A trace, and no runs. */
  public static Recordings of(Trace trace) {
    return new Recordings(Optional.of(trace), Runs.NONE, Optional.empty());
  }

  /** Runs, and no trace. */
  public static Recordings of(Runs runs) {
    return new Recordings(Optional.empty(), runs, Optional.empty());
  }

  /**
   * Reads a trace file or a file of runs.
   *
   * @throws IOException if it cannot be read, is damaged, or is neither
   */
  public static Recordings read(Path file) throws IOException {
    return RunsFile.isRunsFile(file) ? of(RunsFile.read(file)) : of(TraceFile.read(file));
  }

  /**
   * Reads the members of a trace layer that somebody unpacked into a directory; one of them may be
   * damaged or missing.
   *
   * @throws IOException if neither can be used
   */
  public static Recordings unpacked(Path directory) throws IOException {
    Path file = directory.resolve(TraceLayer.RUNS);
    Recordings read = NONE;
    try {
      if (Files.isRegularFile(file) && Files.size(file) <= MAX_RUNS_BYTES) {
        read = of(RunsFile.read(file));
      }
    } catch (IOException e) {
      log.warn("trace.damaged file={} reason={}", file, e.getMessage());
      read = NONE.without("the image's runs", e);
    }
    try {
      return of(TraceFile.read(directory.resolve(TraceLayer.TRACE))).and(read);
    } catch (IOException e) {
      if (read.isEmpty()) {
        throw e;
      }
      return read.without("the image's trace", e);
    }
  }

  /** The file of the newest of {@code runs}, as many as may be kept with an image. */
  public static byte[] encode(Runs runs) {
    byte[] file = RunsFile.encode(runs);
    for (int left = runs.runs().size(); file.length > MAX_RUNS_BYTES; left--) {
      file = RunsFile.encode(runs.newest(left - 1));
    }
    return file;
  }

  public boolean isEmpty() {
    return trace.isEmpty() && runs.isEmpty();
  }

  /** These, and more runs. */
  public Recordings and(Runs more) {
    return new Recordings(trace, runs.merge(more), missing);
  }

  /** These, and others that are of the same image. */
  public Recordings and(Recordings more) {
    return new Recordings(trace.or(more::trace), runs.merge(more.runs), missing.or(more::missing));
  }

  /** These, of which something could not be read. */
  public Recordings without(String what, IOException why) {
    return new Recordings(
        trace,
        runs,
        missing.or(() -> Optional.of(what + " could not be read: " + FailureText.of(why))));
  }

  /**
   * What to fetch, in the order of the first touch. Runs go before the trace, because they say
   * when; if they all are of other layers, the trace does.
   *
   * @param digests of the image's layers, the lowest first
   * @param name of the program whose runs are taken; empty: all runs
   * @throws IOException if there are no runs of that name: says which there are
   */
  public Trace replay(List<String> digests, Optional<String> name, PrefetchBudget budget)
      throws IOException {
    Runs taken = name.isPresent() ? named(name.get()) : runs;
    Set<String> layers = new HashSet<>(digests);
    List<Runs.Extent> extents =
        taken.extents().stream().filter(extent -> layers.contains(extent.layer())).toList();
    if (extents.isEmpty() && name.isEmpty()) {
      return within(trace.orElse(Trace.EMPTY), budget);
    }
    long bytes = budget.bytes(Ranking.Way.USUAL);
    if (bytes < Long.MAX_VALUE) {
      List<Candidate> candidates =
          extents.stream().map(extent -> candidate(extent, taken.runs().size())).toList();
      extents =
          Ranking.choose(candidates, bytes, Ranking.Way.USUAL).stream()
              .mapToObj(extents::get)
              .toList();
    }
    return Runs.trace(extents, digests);
  }

  /**
   * The runs, or the trace as the one run that is known: the oldest, of no name.
   *
   * @param digests of the image's layers, the lowest first
   */
  public Runs asRuns(List<String> digests) {
    return runs.isEmpty() && trace.isPresent() && !trace.get().isEmpty()
        ? Runs.of(List.of(Run.of(Instant.EPOCH, "", trace.get(), digests)))
        : runs;
  }

  /**
   * The runs of that name.
   *
   * @throws IOException if there are none: says which there are
   */
  public Runs named(String name) throws IOException {
    Runs named = runs.named(name);
    if (named.isEmpty()) {
      throw new IOException(
          "no recorded runs are called '"
              + Printable.of(name)
              + "'; "
              + (runs.isEmpty()
                  ? "there are none"
                  : "there are " + runs.names().stream().map(Printable::of).toList()));
    }
    return named;
  }

  private static Candidate candidate(Runs.Extent extent, int runs) {
    return new Candidate(
        extent.length(), Ranking.probability(extent.support(), runs), extent.micros());
  }

  /** Of one run nobody knows when, nor whether another one would read the same. */
  private static Trace within(Trace trace, PrefetchBudget budget) {
    long bytes = budget.bytes(Ranking.Way.USUAL);
    if (bytes == Long.MAX_VALUE) {
      return trace;
    }
    List<Access> pieces = Coalescer.coalesce(trace, 0, PIECE_BYTES);
    List<Candidate> candidates =
        pieces.stream().map(p -> new Candidate(p.length(), 1, Long.MAX_VALUE)).toList();
    return Trace.of(
        Ranking.choose(candidates, bytes, Ranking.Way.USUAL).stream()
            .mapToObj(pieces::get)
            .toList());
  }
}
