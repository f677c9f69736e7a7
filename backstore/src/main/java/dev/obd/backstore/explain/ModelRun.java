package dev.obd.backstore.explain;

import dev.obd.backstore.explain.Scenario.Mode;
import dev.obd.backstore.explain.StartModel.Step;
import dev.obd.backstore.explain.StartModel.Unit;
import dev.obd.backstore.startlog.StartLog.Planned;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One run of a {@link StartModel}. Used once. */
final class ModelRun {
  /** In which a hot layer is packed. */
  static final long CELL = 4096;

  private static final int REPLAY_AT_ONCE = 16;
  private static final long REQUEST_BYTES = 1 << 20;

  // As the link's scheduler has it: much beside nothing, little beside what somebody waits for.
  private static final int DEMAND_AT_ONCE = 64;
  private static final int OTHER_BESIDE_DEMAND = 2;
  private static final long OTHER_BYTES_BESIDE_DEMAND = 512 << 10;

  private final StartModel model;
  private final Scenario scenario;
  private final Line line;

  // The program.
  private final boolean[] ended;
  private final double[] prefixEnd; // when the first i of those in the order of their end had ended
  private int prefix;
  private int nextStep;
  private double lastEnd;

  // The cache.
  private final Set<Unit> here = new HashSet<>();
  private final Map<Unit, Load> loading = new HashMap<>();

  // The scheduler.
  private final Deque<Load> demand = new ArrayDeque<>();
  private final Deque<Load> other = new ArrayDeque<>();
  private int demandRunning;
  private int otherRunning;
  private long otherBytes;

  // The replay.
  private int nextReplay;
  private boolean replayStarted;
  private final Map<Unit, Long> hotEnds = new HashMap<>(); // how many bytes have come with a cell
  private @Nullable Hot hot;

  // What is counted.
  private long requests;
  private long bytes;
  private int waiting;
  private double waitingSince;
  private double stalled;

  ModelRun(StartModel model, Scenario scenario) {
    this.model = model;
    this.scenario = scenario;
    this.line = new Line(scenario.link());
    this.ended = new boolean[model.steps.size()];
    this.prefixEnd = new double[ended.length + 1];
  }

  Prediction run() {
    advance();
    line.run();
    return new Prediction(Math.round(lastEnd), Math.round(stalled), bytes, requests);
  }

  // ---- the program

  /** Lets begin what may. */
  private void advance() {
    while (nextStep < model.steps.size() && model.steps.get(nextStep).after() <= prefix) {
      Step step = model.steps.get(nextStep++);
      line.at(prefixEnd[step.after()] + step.thinkMicros(), () -> new Reading(step).go());
    }
    if (!replayStarted && model.replayAfter <= prefix && scenario.mode() != Mode.DEMAND) {
      replayStarted = true;
      line.at(
          prefixEnd[model.replayAfter] + model.replayThinkMicros,
          scenario.mode() == Mode.HOT ? this::stream : this::replay);
    }
  }

  private void end(Step step) {
    if (step.read().isOfDisk()) {
      lastEnd = Math.max(lastEnd, line.now());
    }
    ended[step.endOrder()] = true;
    endTimes.put(step.endOrder(), line.now());
    while (prefix < ended.length && ended[prefix]) {
      double at = endTimes.getOrDefault(prefix, 0.0);
      prefixEnd[prefix + 1] = Math.max(prefixEnd[prefix], at);
      prefix++;
    }
    advance();
  }

  private final Map<Integer, Double> endTimes = new HashMap<>();

  private void waits(int change) {
    if (waiting > 0) {
      stalled += line.now() - waitingSince;
    }
    waiting += change;
    waitingSince = line.now();
  }

  /** A read under way: one blob after the other, one unit after the other. */
  private final class Reading {
    private final Step step;
    private int blob;
    private long unit = -1;

    Reading(Step step) {
      this.step = step;
    }

    void go() {
      List<BlobRead> blobs = step.read().blobs();
      while (blob < blobs.size()) {
        BlobRead read = blobs.get(blob);
        if (hot != null && step.read().isOfDisk()) {
          if (!streamed(read, hot)) {
            return;
          }
        } else if (!fetched(read)) {
          return;
        }
        blob++;
        unit = -1;
      }
      line.at(line.now() + step.localMicros(), () -> end(step));
    }

    private boolean fetched(BlobRead read) {
      long size = unitOf(read.blob());
      long endUnit = (read.end() + size - 1) / size;
      for (unit = Math.max(unit, read.offset() / size); unit < endUnit; unit++) {
        Unit wanted = new Unit(read.blob(), unit);
        if (isHere(wanted)) {
          continue;
        }
        Load load = loading.get(wanted);
        if (load == null) {
          load = load(wanted, endUnit, true);
        } else {
          load.raise();
        }
        await(load);
        return false;
      }
      return true;
    }

    private void await(Load load) {
      if (!step.read().isOfDisk()) {
        load.waiters.add(this::go);
        return;
      }
      waits(1);
      load.waiters.add(() -> {
        waits(-1);
        go();
      });
    }

    private boolean streamed(BlobRead read, Hot stream) {
      long needed = 0;
      for (long cell = read.offset() / CELL; cell * CELL < read.end(); cell++) {
        needed = Math.max(needed, hotEnds.getOrDefault(new Unit(read.blob(), cell), 0L));
      }
      if (needed <= stream.delivered) {
        return true;
      }
      waits(1);
      stream.waiters.add(
          new Waiter(
              needed,
              () -> {
                waits(-1);
                go();
              }));
      return false;
    }
  }

  // ---- the cache

  private long unitOf(int blob) {
    return scenario.unitBytes() == 0 ? model.unit(blob) : scenario.unitBytes();
  }

  private boolean isHere(Unit unit) {
    if (here.contains(unit)) {
      return true;
    }
    long size = unitOf(unit.blob());
    return !model.isWired(unit.blob(), unit.number() * size, (unit.number() + 1) * size);
  }

  /** Asks for {@code first} and what is missing after it. */
  private Load load(Unit first, long endUnit, boolean wanted) {
    long size = unitOf(first.blob());
    long most = Math.max(1, REQUEST_BYTES / size);
    long window = wanted && scenario.unitBytes() == 0 ? model.refill(first.blob()) : size;
    long least = first.number() * size / window * window / size;
    Unit begin = first;
    for (Unit unit = before(first);
        unit.number() >= least && !isHere(unit) && !loading.containsKey(unit);
        unit = before(unit)) {
      begin = unit;
    }
    long blobUnits = Math.ceilDiv(Math.max(1, model.size(first.blob())), size);
    long endOfWindow = Math.min(blobUnits, Math.ceilDiv(endUnit * size, window) * window / size);
    List<Unit> units = new ArrayList<>();
    for (Unit unit = begin;
        unit.number() < Math.max(endUnit, endOfWindow)
            && units.size() < most
            && !isHere(unit)
            && !loading.containsKey(unit);
        unit = new Unit(unit.blob(), unit.number() + 1)) {
      units.add(unit);
    }
    long from = begin.number() * size;
    long end = from + units.size() * size;
    long blobEnd = model.size(first.blob());
    var load = new Load(units, Math.max(1, Math.min(end, Math.max(blobEnd, from + 1)) - from));
    load.wanted = wanted;
    units.forEach(unit -> loading.put(unit, load));
    (wanted ? demand : other).add(load);
    grant();
    return load;
  }

  private static Unit before(Unit unit) {
    return new Unit(unit.blob(), unit.number() - 1);
  }

  /** A request, from when it queues to when all of it is here. */
  private final class Load extends Line.Answer {
    private final List<Unit> units;
    private final long length;
    private final List<Runnable> waiters = new ArrayList<>();
    private boolean wanted;
    private boolean running;

    Load(List<Unit> units, long length) {
      this.units = units;
      this.length = length;
    }

    /** Somebody waits for it now. */
    void raise() {
      if (wanted) {
        return;
      }
      if (running) {
        count(this, -1);
        wanted = true;
        count(this, 1);
      } else {
        other.remove(this);
        wanted = true;
        demand.add(this);
      }
      grant();
    }

    @Override
    void arrived(long n, double micros) {}

    @Override
    void ended(double micros) {
      here.addAll(units);
      units.forEach(loading::remove);
      count(this, -1);
      List<Runnable> resumed = List.copyOf(waiters);
      resumed.forEach(Runnable::run);
      grant();
    }
  }

  // ---- the scheduler

  private void grant() {
    while (!demand.isEmpty() && demandRunning < DEMAND_AT_ONCE) {
      send(demand.remove());
    }
    while (!other.isEmpty() && fits(other.element())) {
      send(other.remove());
    }
  }

  private boolean fits(Load load) {
    return demandRunning == 0
        ? otherRunning < REPLAY_AT_ONCE
        : otherRunning < OTHER_BESIDE_DEMAND
            && (otherRunning == 0 || otherBytes + load.length <= OTHER_BYTES_BESIDE_DEMAND);
  }

  private void count(Load load, int change) {
    if (load.wanted) {
      demandRunning += change;
    } else {
      otherRunning += change;
      otherBytes += change * load.length;
    }
  }

  private void send(Load load) {
    load.running = true;
    count(load, 1);
    requests++;
    bytes += load.length;
    line.send(load.length, load);
  }

  // ---- what is fetched ahead

  private void replay() {
    for (int worker = 0; worker < REPLAY_AT_ONCE; worker++) {
      nextPlanned();
    }
  }

  private void nextPlanned() {
    if (nextReplay < model.replay.size()) {
      bring(model.replay.get(nextReplay++), 0);
    }
  }

  private void bring(Planned part, long fromUnit) {
    long size = unitOf(part.layer());
    long endUnit = (part.end() + size - 1) / size;
    for (long unit = Math.max(fromUnit, part.offset() / size); unit < endUnit; unit++) {
      Unit wanted = new Unit(part.layer(), unit);
      if (!isHere(wanted)) {
        Load running = loading.get(wanted);
        Load load = running == null ? load(wanted, endUnit) : running;
        long next = unit + 1;
        load.waiters.add(() -> bring(part, next));
        return;
      }
    }
    line.at(line.now(), this::nextPlanned);
  }

  private Load load(Unit first, long endUnit) {
    return load(first, endUnit, false);
  }

  private record Waiter(long needed, Runnable resume) {}

  private void stream() {
    List<Unit> cells = model.firstTouches();
    long at = 0;
    for (Unit cell : cells) {
      at += CELL;
      hotEnds.put(cell, at);
    }
    if (at > 0) {
      requests++;
      bytes += at;
      hot = new Hot();
      line.send(at, hot);
    }
  }

  /** The stream of a hot layer. */
  private static final class Hot extends Line.Answer {
    private final PriorityQueue<Waiter> waiters =
        new PriorityQueue<>(Comparator.comparingLong(Waiter::needed));
    private long delivered;

    @Override
    void arrived(long n, double micros) {
      delivered += n;
      while (!waiters.isEmpty() && waiters.element().needed() <= delivered) {
        waiters.remove().resume().run();
      }
    }

    @Override
    void ended(double micros) {}
  }
}
