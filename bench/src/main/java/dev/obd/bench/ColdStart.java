package dev.obd.bench;

import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.io.BlockSource;
import dev.obd.io.DerivedSource;
import dev.obd.io.Prefetchable;
import dev.obd.io.Range;
import dev.obd.testdata.Golden;
import dev.obd.testdata.Profile;
import dev.obd.trace.Access;
import dev.obd.trace.Intervals;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceRecorder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * One program starts from an image that is not on this machine: without its trace, with it, and
 * with everything here. Each read waits for the one before it and some time of the program's own.
 * Arguments: what starts (chain, java, python, gcc, node, git), the link (doc25, slow, wan, lan),
 * rounds (3).
 *
 * <p>{@code chain} is 178 pieces of 256 KiB of an image of 500 MiB in 21 layers, and 5 s of the
 * program's own; the others are recorded reads of real programs.
 */
public final class ColdStart {
  private static final int CHAIN_LAYERS = 21;
  private static final int CHAIN_LAYER_BYTES = 24 << 20;
  private static final int CHAIN_PIECES = 178;
  private static final int CHAIN_PIECE = 256 << 10;
  private static final Duration CHAIN_OWN = Duration.ofMillis(4980);
  private static final Duration PROGRAM_OWN = Duration.ofMillis(500);
  private static final int MIB = 1 << 20;

  private enum Mode {
    NONE,
    REPLAY,
    WARM
  }

  /** What starts. */
  private record Program(List<SyntheticDisk> layers, List<Range> reads, Duration own) {}

  /** How it went. */
  private record Start(double seconds, long requests, long bytes) {}

  private ColdStart() {}

  /** Prints a line per way to start. */
  public static void main(String[] args) throws Exception {
    String name = args.length > 0 ? args[0] : "chain";
    String link = args.length > 1 ? args[1] : name.equals("chain") ? "doc25" : "slow";
    int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 3;
    Profile profile = profile(link);
    Program program = name.equals("chain") ? chain() : recorded(name);
    try (SimulatedImage image = new SimulatedImage(program.layers)) {
      image.behind(Profile.INSTANT);
      Trace trace;
      double floor;
      try (SimulatedImage.Machine machine = image.machine()) {
        var recorder = new TraceRecorder();
        recorder.start();
        start(machine, program, new TraceUse.None(), OpenOptions.DEFAULTS.withRecorder(recorder));
        trace = recorder.snapshot();
        floor = floor(machine, trace, profile);
      }
      TraceUse replay = image.put(trace);
      Map<Mode, List<Start>> all = new EnumMap<>(Mode.class);
      for (int i = 0; i < rounds; i++) {
        image.behind(profile);
        try (SimulatedImage.Machine machine = image.machine()) {
          add(all, Mode.NONE, image, machine, program, new TraceUse.None());
        }
        try (SimulatedImage.Machine machine = image.machine()) {
          add(all, Mode.REPLAY, image, machine, program, replay);
          add(all, Mode.WARM, image, machine, program, replay);
        }
      }
      print(name + " over " + link, trace, all, floor);
    }
  }

  private static Profile profile(String name) {
    return switch (name) {
      case "doc25" -> Profile.DOC25;
      case "slow" -> Profile.SLOW;
      case "wan" -> Profile.WAN;
      case "lan" -> Profile.LAN;
      default -> throw new IllegalArgumentException("link: doc25, slow, wan or lan, not " + name);
    };
  }

  private static Program chain() {
    long size = (long) CHAIN_LAYERS * CHAIN_LAYER_BYTES;
    List<SyntheticDisk> layers = new ArrayList<>();
    for (long i = 0; i < CHAIN_LAYERS; i++) {
      var part = new Range(i * CHAIN_LAYER_BYTES, CHAIN_LAYER_BYTES);
      layers.add(new SyntheticDisk(size, List.of(part), SyntheticDisk.RANDOM));
    }
    List<Long> pieces = new ArrayList<>();
    for (long i = 0; i < size / CHAIN_PIECE; i++) {
      pieces.add(i * CHAIN_PIECE);
    }
    var random = new SplittableRandom(1);
    for (int i = pieces.size() - 1; i > 0; i--) {
      Collections.swap(pieces, i, random.nextInt(i + 1));
    }
    List<Range> reads =
        pieces.subList(0, CHAIN_PIECES).stream().map(at -> new Range(at, CHAIN_PIECE)).toList();
    return new Program(layers, reads, CHAIN_OWN);
  }

  /** Around what is read there is something, as on any disk; farther away nobody looks. */
  private static Program recorded(String name) throws IOException {
    Path file = Golden.repository().resolve("testdata/traces/" + name + ".csv");
    List<Range> reads = new ArrayList<>();
    TreeMap<Long, Range> data = new TreeMap<>();
    List<String> lines = Files.readAllLines(file);
    for (String line : lines.subList(1, lines.size())) {
      String[] fields = line.split(",");
      Range read = new Range(Long.parseLong(fields[0]), Long.parseLong(fields[1]));
      reads.add(read);
      for (long at = read.offset() / MIB - 1; at <= read.end() / MIB + 1; at++) {
        if (at >= 0) {
          data.put(at, new Range(at * MIB, MIB));
        }
      }
    }
    long size = data.lastEntry().getValue().end();
    var disk = new SyntheticDisk(size, List.copyOf(data.values()), SyntheticDisk.PROGRAMS);
    return new Program(List.of(disk), reads, PROGRAM_OWN);
  }

  private static void add(
      Map<Mode, List<Start>> all,
      Mode mode,
      SimulatedImage image,
      SimulatedImage.Machine machine,
      Program program,
      TraceUse trace)
      throws IOException, InterruptedException {
    image.registry.clearLog();
    double seconds = start(machine, program, trace, OpenOptions.DEFAULTS);
    var counters = image.registry.counters();
    Start start = new Start(seconds, counters.requests(), counters.bytesSent());
    all.computeIfAbsent(mode, _ -> new ArrayList<>()).add(start);
    System.err.printf(Locale.ROOT, "%-7s %7.2f s%n", mode.name().toLowerCase(Locale.ROOT), seconds);
  }

  private static double start(
      SimulatedImage.Machine machine, Program program, TraceUse trace, OpenOptions options)
      throws IOException, InterruptedException {
    long began = System.nanoTime();
    try (Image disk = machine.open(trace, options)) {
      long pauses = program.own.toNanos() / program.reads.size();
      ByteBuffer into = ByteBuffer.allocateDirect(CHAIN_PIECE);
      for (Range read : program.reads) {
        disk.read(read.offset(), into.clear().limit((int) read.length()));
        Thread.sleep(Duration.ofNanos(pauses));
      }
      return (System.nanoTime() - began) / 1e9;
    }
  }

  /** One round trip, and what is read of the blobs, each byte once, at the link's bandwidth. */
  private static double floor(SimulatedImage.Machine machine, Trace trace, Profile profile)
      throws IOException {
    var blobs = new Intervals(); // one space for all: layers are far apart in it
    long bytes = 0;
    try (Image image = machine.open(new TraceUse.None(), OpenOptions.DEFAULTS.withReplay(false))) {
      for (Access access : trace) {
        BlockSource source = image.layers().get(access.layer());
        var range = new Range(access.offset(), access.length());
        while (!(source instanceof Prefetchable) && source instanceof DerivedSource derived) {
          range = derived.baseRange(range.offset(), range.length());
          source = derived.base();
        }
        long base = (long) access.layer() << 40;
        for (Intervals.Interval part : blobs.add(base + range.offset(), base + range.end())) {
          bytes += part.end() - part.from();
        }
      }
    }
    return profile.latency().toNanos() / 1e9 + (double) bytes / profile.bytesPerSecond();
  }

  private static void print(String what, Trace trace, Map<Mode, List<Start>> all, double floor) {
    double none = median(all.get(Mode.NONE));
    double warm = median(all.get(Mode.WARM));
    System.out.printf(
        Locale.ROOT,
        "%s: %d records, %.1f MiB; the link needs at least %.2f s%n",
        what,
        trace.size(),
        trace.bytes() / (double) MIB,
        floor);
    System.out.println(
        "         seconds (least to most)  requests    MiB  none/this  gap closed  /floor");
    all.forEach((mode, starts) -> {
      double[] seconds = starts.stream().mapToDouble(Start::seconds).sorted().toArray();
      double median = median(starts);
      Start last = starts.getLast();
      System.out.printf(
          Locale.ROOT,
          "%-7s  %6.2f (%6.2f to %6.2f)  %8d  %5.1f  %9.2f  %8.1f %%  %6.2f%n",
          mode.name().toLowerCase(Locale.ROOT),
          median,
          seconds[0],
          seconds[seconds.length - 1],
          last.requests,
          last.bytes / (double) MIB,
          none / median,
          100 * (none - median) / (none - warm),
          median / floor);
    });
  }

  private static double median(List<Start> starts) {
    double[] seconds = starts.stream().mapToDouble(Start::seconds).toArray();
    Arrays.sort(seconds);
    return seconds[seconds.length / 2];
  }
}
