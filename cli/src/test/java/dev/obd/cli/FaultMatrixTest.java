package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.config.DownloadConfig;
import dev.obd.backstore.config.Home;
import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.DeviceStats.LastFailure;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.download.BusyDirectories;
import dev.obd.backstore.download.DownloadContext;
import dev.obd.backstore.download.DownloadStatus;
import dev.obd.backstore.download.Downloads;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImageOpener;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.nbd.NbdClient;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import dev.obd.registry.Platform;
import dev.obd.registry.auth.Credential;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.testdata.Auth;
import dev.obd.testdata.Call;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.Profile;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.assertj.core.api.SoftAssertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What a registry can do wrong, at every point of a device's life: over NBD, each read ends within
 * its limit with the right bytes or with an error whose reason is the right one, and once the fault
 * is over the device goes on without a restart. {@code docs/fault-matrix.md} has the table.
 *
 * <p>{@code -Dobd.matrix.reads=1000000} makes at least so many reads in all.
 */
class FaultMatrixTest {
  private static final Duration LIMIT = Duration.ofSeconds(1);

  /** The time above its limit that a read may take. */
  private static final Duration ALLOWANCE = Duration.ofSeconds(1);

  /** Of opening, and of a call to the registry that no read waits for. */
  private static final Duration OPEN_LIMIT = Duration.ofSeconds(3);

  /** What a host asks for that gets too much: as long as a read may take. */
  private static final Duration PAUSE = Duration.ofSeconds(1);

  private static final Duration FAULT_LASTS = Duration.ofMillis(1800);
  private static final Duration RECOVERY = Duration.ofSeconds(20);
  private static final Duration DOWNLOAD = Duration.ofSeconds(60);
  private static final int CELLS_AT_ONCE = 12;
  private static final int READERS = 3;
  private static final long NONE = Long.MAX_VALUE;

  /** How reads end while a fault lasts. */
  private enum Ends {
    AT_ONCE,
    AT_THE_LIMIT;

    @Override
    public String toString() {
      return name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
    }
  }

  /** What goes wrong; positions in bodies lie before the end of a token's. */
  enum Trouble {
    STATUS_401(new Fault.Status(401), Ends.AT_ONCE, "status 401|does not say how to authenticate"),
    STATUS_403(new Fault.Status(403), Ends.AT_ONCE, "status 403"),
    STATUS_404(new Fault.Status(404), Ends.AT_ONCE, "status 404"),
    STATUS_429(
        Fault.Status.retryAfter(429, PAUSE),
        Ends.AT_THE_LIMIT,
        "status 429|answered 429 and asked for a pause"),
    STATUS_500(new Fault.Status(500), Ends.AT_THE_LIMIT, "status 500"),
    STATUS_503(new Fault.Status(503), Ends.AT_THE_LIMIT, "status 503"),
    CLOSED(
        new Fault.Dropped(),
        Ends.AT_THE_LIMIT,
        "closed without an HTTP answer|Connection reset|Broken pipe"),
    RESET(new Fault.Reset(20), Ends.AT_THE_LIMIT, "[Rr]eset|Broken pipe"),
    TRUNCATED(new Fault.Truncated(20), Ends.AT_THE_LIMIT, "Premature end"),
    STALLED(new Fault.Stalled(20), Ends.AT_THE_LIMIT, "no answer within|timed out|none in time"),
    TRICKLED(new Fault.Trickled(10), Ends.AT_THE_LIMIT, "no answer within|timed out|none in time"),
    WRONG_BYTES(
        Fault.WrongBytes.ALL, Ends.AT_ONCE, "checksum|manifest: expected sha256|not JSON|magic"),
    IGNORED_RANGE(new Fault.IgnoredRange(), Ends.AT_ONCE, "the range was ignored"),
    SHIFTED_RANGE(new Fault.ShiftedRange(4096), Ends.AT_ONCE, "Content-Range: expected"),
    EMPTY(
        new Fault.Empty(),
        Ends.AT_ONCE,
        "Content-Length: expected|manifest: expected sha256|expected one JSON object"),
    NO_HTTP(
        new Fault.Garbage("SSH-2.0\r\n"),
        Ends.AT_THE_LIMIT,
        "closed without an HTTP answer|Connection reset");

    final Fault fault;
    final Ends ends;
    final Pattern reason;

    Trouble(Fault fault, Ends ends, String reason) {
      this.fault = fault;
      this.ends = ends;
      this.reason = Pattern.compile(reason);
    }

    boolean concernsRanges() {
      return this == IGNORED_RANGE || this == SHIFTED_RANGE;
    }
  }

  /** When it goes wrong. */
  enum When {
    /** While the manifest, the configuration and the layers' heads are read. */
    OPEN,
    /** When the token a device opened with is refused, and a new one is wanted. */
    TOKEN,
    /** From the first demand read on. */
    FIRST_READ,
    /** Every other request, while reads are under way. */
    MID_STREAM,
    /** While the trace is replayed, and others read. */
    REPLAY,
    /** While layers are downloaded in the background, and others read. */
    BACKGROUND
  }

  /** The table's cell: what whoever reads sees. */
  private static String expected(Trouble trouble, When when) {
    return switch (when) {
      case OPEN -> "open fails " + trouble.ends;
      case TOKEN -> trouble.concernsRanges() ? "nothing" : "EIO " + trouble.ends;
      case MID_STREAM ->
          trouble.ends == Ends.AT_ONCE ? "EIO at once, where met twice" : "later bytes, rarely EIO";
      case FIRST_READ, REPLAY, BACKGROUND -> "EIO " + trouble.ends;
    };
  }

  private static TestHome home;
  private static Path layout;
  private static byte[] disk;
  private static final Load load = new Load();

  @BeforeAll
  static void makeImages() throws IOException, InterruptedException {
    Tools.requireOnPath("nbdcopy");
    TestDisk raw = TestDisk.get();
    home = new TestHome();
    layout = home.resolve("layout");
    Cli maker = new Cli(home.resolve("maker"));
    String v1 = "oci:" + layout + ":v1";
    String v2 = "oci:" + layout + ":v2";
    maker.ok("import", raw.raw().toString(), v1);
    maker.ok("import", raw.raw2().toString(), v2, "--base", v1);
    maker.ok(
        "record",
        "--time",
        "60s",
        v2,
        "oci:" + layout + ":traced",
        "--",
        "sh",
        "-c",
        "nbdcopy \"$OBD_NBD\" null:");
    disk = Files.readAllBytes(raw.raw2());
  }

  @AfterAll
  static void clear() throws IOException {
    if (home != null) {
      home.close();
    }
  }

  @Test
  void readsEndInTimeWithTheRightBytesOrTheRightReasonAndGoOnAfterwards() throws Exception {
    var failures = new ConcurrentHashMap<String, Throwable>();
    var places = new Semaphore(CELLS_AT_ONCE);
    int cells = Trouble.values().length * When.values().length;
    int reads =
        Math.ceilDiv(Integer.getInteger("obd.matrix.reads", cells * 40 * READERS), cells * READERS);
    try (var delay = new MachineDelay();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Trouble trouble : Trouble.values()) {
        for (When when : When.values()) {
          places.acquire();
          threads.execute(() -> {
            try {
              new Cell(trouble, when, reads, delay).run();
            } catch (Throwable e) { // told below, with all others
              failures.put(trouble + " " + when, e);
            } finally {
              places.release();
            }
          });
        }
      }
      places.acquire(CELLS_AT_ONCE);
      System.out.printf(
          "fault matrix: %d cells, %d reads, %d of them failed, none wrong; limit %d ms, the longest took %d ms; the machine was late by %d ms at most%n",
          cells,
          load.reads.get(),
          load.failed.get(),
          LIMIT.toMillis(),
          load.longestMillis.get(),
          delay.millis());
    }
    SoftAssertions all = new SoftAssertions();
    failures.forEach((cell, e) -> all.fail(cell + ": " + e.getMessage(), e));
    all.assertAll();
  }

  @Test
  void withoutTheRegistryWhatIsHereIsReadWithoutAStallAndWithItTheRestIsWithoutARestart()
      throws Exception {
    try (var delay = new MachineDelay();
        Stack stack = new Stack(home.resolve("outage"), When.FIRST_READ)) {
      stack.open();
      Outcome working = stack.read(Reads.some(200));
      assertThat(working.failed).isZero();
      stack.registry.down();
      Outcome local = stack.read(Reads.some(200));
      assertThat(local.failed).isZero();
      assertThat(local.longest).isLessThan(LIMIT.toMillis() / 2 + delay.millis());
      Outcome remote = stack.read(Reads.all(30));
      assertThat(remote.failed).isPositive();
      stack.registry.up();
      stack.awaitRight();
      assertThat(stack.read(Reads.all(100)).failed).isZero();
    }
  }

  @Test
  void theTableInTheDocsSaysWhatTheTestExpects() throws IOException {
    String page = Files.readString(Path.of(System.getProperty("obd.repo"), "docs/fault-matrix.md"));
    var rows = new TreeMap<String, List<String>>();
    for (String line : page.lines().toList()) {
      String[] fields = line.split("\\|");
      if (line.startsWith("| `") && fields.length == When.values().length + 4) {
        List<String> cells = new ArrayList<>();
        for (int i = 4; i < fields.length; i++) {
          cells.add(fields[i].strip());
        }
        rows.put(fields[1].strip().replace("`", ""), cells);
      }
    }
    var wanted = new TreeMap<String, List<String>>();
    for (Trouble trouble : Trouble.values()) {
      List<String> cells = new ArrayList<>();
      for (When when : When.values()) {
        cells.add(expected(trouble, when));
      }
      wanted.put(trouble.name(), cells);
    }
    assertThat(rows).isEqualTo(wanted);
  }

  /** One fault at one time. */
  private record Cell(Trouble trouble, When when, int reads, MachineDelay delay) {
    void run() throws Exception {
      try (Stack stack = new Stack(home.resolve(trouble + "-" + when), when)) {
        if (when == When.OPEN) {
          open(stack);
        } else {
          read(stack);
        }
      }
    }

    private void open(Stack stack) throws Exception {
      Predicate<Call> reads =
          trouble.concernsRanges()
              ? Call::isBlobRead
              : call -> call.isManifestRead() || call.isBlobRead();
      stack.registry.fault(reads, trouble.fault);
      long began = System.nanoTime();
      String reason = "";
      try {
        stack.open();
      } catch (IOException e) {
        reason = String.valueOf(e.getMessage());
      }
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      assertThat(reason).containsPattern(trouble.reason);
      // The manifest has one limit, the layers have another.
      assertThat(millis).as(reason).isLessThan(2 * OPEN_LIMIT.toMillis() + longest());
      stack.registry.clearFaults();
      stack.openOnceItWorks();
      stack.awaitRight();
      assertThat(stack.read(Reads.all(reads())).failed).isZero();
    }

    private void read(Stack stack) throws Exception {
      if (when == When.REPLAY) {
        stack.registry.profile(Stack.REPLAYS);
      }
      stack.open();
      if (when == When.MID_STREAM) {
        assertThat(stack.read(Reads.all(3)).failed).isZero();
      }
      stack.registry.fault(
          switch (when) {
            case TOKEN -> Call::isToken;
            case MID_STREAM -> call -> call.isBlobRead() && call.number() % 2 == 0;
            default -> Call::isBlobRead;
          },
          trouble.fault);
      stack.registry.profile(Stack.LINK);
      if (when == When.TOKEN) {
        stack.registry.revokeTokens();
      }
      Outcome during = stack.read(Reads.until(FAULT_LASTS));
      stack.registry.clearFaults();
      boolean harmless = expected(trouble, when).equals("nothing");
      if (harmless) {
        assertThat(during.failed).as("%s", during.reasons).isZero();
      } else if (when != When.MID_STREAM) {
        assertThat(during.failed).isPositive();
        if (trouble.ends == Ends.AT_ONCE) {
          assertThat(during.soonestFailure).isLessThan(LIMIT.toMillis() / 2 + delay.millis());
        }
      }
      assertThat(during.reasons).allSatisfy(r -> assertThat(r).containsPattern(trouble.reason));
      assertThat(during.longest).as("%s", during.reasons).isLessThan(longest());
      if (trouble == Trouble.STATUS_429) {
        Thread.sleep(PAUSE); // whoever reads what is not here before that is told so, rightly
      }
      stack.awaitRight();
      Outcome after = stack.read(Reads.all(reads()));
      assertThat(after.failed).as("%s", after.reasons).isZero();
      if (when == When.BACKGROUND) {
        stack.awaitDownload();
      }
    }

    private long longest() {
      return LIMIT.plus(ALLOWANCE).toMillis() + delay.millis();
    }
  }

  /** What to read: so many times, or so long; of all of the disk, or always of the same part. */
  private record Reads(int most, long untilNanos, int end) {
    static Reads all(int count) {
      return new Reads(count, Long.MAX_VALUE, disk.length);
    }

    static Reads some(int count) {
      return new Reads(count, Long.MAX_VALUE, disk.length / 16);
    }

    static Reads until(Duration time) {
      return new Reads(Integer.MAX_VALUE, System.nanoTime() + time.toNanos(), disk.length);
    }
  }

  /** What reads came to; times in ms. */
  private record Outcome(long failed, long soonestFailure, long longest, Set<String> reasons) {}

  /** Sums over all cells. */
  private static final class Load {
    final AtomicLong reads = new AtomicLong();
    final AtomicLong failed = new AtomicLong();
    final AtomicLong longestMillis = new AtomicLong();
  }

  /** How late a thread of this machine was at most: that is nobody's stall. */
  private static final class MachineDelay implements AutoCloseable {
    private static final long STEP = 10;
    private final AtomicLong most = new AtomicLong();
    private final Thread thread = Thread.ofPlatform().daemon().start(this::measure);

    private void measure() {
      try {
        while (true) {
          long began = System.nanoTime();
          Thread.sleep(STEP);
          long late = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began) - STEP;
          most.accumulateAndGet(late, Math::max);
        }
      } catch (InterruptedException e) {
        // closed
      }
    }

    long millis() {
      return most.get();
    }

    @Override
    public void close() {
      thread.interrupt();
    }
  }

  /** A registry, and the whole way from it to a client. */
  private static final class Stack implements AutoCloseable {
    private static final String REPOSITORY = "app";
    private static final Profile LINK = Profile.link(Duration.ofMillis(1), Profile.megabits(80));

    /** So slow that a replay is still under way when its fault begins. */
    private static final Profile REPLAYS = Profile.link(Duration.ofMillis(1), Profile.megabits(8));

    final FaultyRegistry registry;
    private final When when;
    private final Path dir;
    private final Session session;
    private final ExecutorService threads =
        Executors.newCachedThreadPool(Thread.ofPlatform().daemon().factory());
    private @Nullable Image image;
    private @Nullable BlockDevice device;
    private @Nullable Export export;

    Stack(Path dir, When when) throws IOException {
      this.dir = Files.createDirectories(dir);
      this.when = when;
      this.registry =
          FaultyRegistry.with()
              .profile(LINK)
              .auth(
                  new Auth.Bearer(
                      "user", "secret", Duration.ofMinutes(5), false, Auth.Dialect.DOCKER))
              .start();
      registry.putLayout(REPOSITORY, layout);
      this.session =
          new Session(
              new Home(dir),
              RegistryOptions.defaults()
                  .withPatience(OPEN_LIMIT, 6)
                  .withCredentials(target -> new Credential.UserPassword("user", "secret")),
              CacheConfig.in(dir.resolve("cache")),
              Platform.current());
    }

    void open() throws IOException, InterruptedException {
      OpenOptions options =
          OpenOptions.DEFAULTS.withReplay(when == When.REPLAY).withPatience(OPEN_LIMIT);
      ImageOpener opener = session.opener();
      String name = registry.host() + "/" + REPOSITORY + ":traced";
      if (when == When.BACKGROUND) {
        name = configuration().toString();
        options =
            options.withDownload(
                new DownloadConfig(true, Duration.ZERO, Duration.ZERO, 0, 100, 256 << 10));
        opener =
            opener.withDownloads(
                new DownloadContext(
                    session.executor(), Ticker.SYSTEM, () -> 0, new BusyDirectories(), 0));
      }
      image = opener.open(session.plans().resolve(name).plan(), options);
      device =
          new BlockDevice(
              name, image, new DeviceOptions(LIMIT, Duration.ofSeconds(5), Ticker.SYSTEM, threads));
      URI socket = Frontends.nbd("unix:" + dir.resolve("s"));
      export = Frontends.of(socket).export(device, socket);
    }

    /** A host may have asked for a pause. */
    void openOnceItWorks() throws Exception {
      long end = System.nanoTime() + RECOVERY.toNanos();
      while (true) {
        try {
          open();
          return;
        } catch (IOException e) {
          assertThat(System.nanoTime()).as(e.getMessage()).isLessThan(end);
          Thread.sleep(100);
        }
      }
    }

    /** The image as an overlaybd configuration whose layers have directories. */
    private Path configuration() throws IOException {
      JsonArray lowers = new JsonArray();
      for (JsonElement layer : layers()) {
        JsonObject lower = new JsonObject();
        lower.add("digest", layer.getAsJsonObject().get("digest"));
        lower.add("size", layer.getAsJsonObject().get("size"));
        lower.addProperty(
            "dir", Files.createDirectories(dir.resolve("layer" + lowers.size())).toString());
        lowers.add(lower);
      }
      JsonObject config = new JsonObject();
      config.addProperty("repoBlobUrl", registry.uri() + "v2/" + REPOSITORY + "/blobs");
      config.add("lowers", lowers);
      return Files.writeString(dir.resolve("config.v1.json"), config.toString());
    }

    private JsonArray layers() throws IOException {
      byte[] manifest = Objects.requireNonNull(registry.manifest(REPOSITORY, "v2"));
      return JsonParser.parseString(new String(manifest, StandardCharsets.UTF_8))
          .getAsJsonObject()
          .getAsJsonArray("layers");
    }

    Outcome read(Reads what) throws Exception {
      List<Future<Outcome>> readers = new ArrayList<>();
      for (int i = 0; i < READERS; i++) {
        readers.add(threads.submit(() -> readAlone(what)));
      }
      long failed = 0;
      long soonest = NONE;
      long longest = 0;
      Set<String> reasons = ConcurrentHashMap.newKeySet();
      for (Future<Outcome> reader : readers) {
        Outcome one = reader.get();
        failed += one.failed;
        soonest = Math.min(soonest, one.soonestFailure);
        longest = Math.max(longest, one.longest);
        reasons.addAll(one.reasons);
      }
      return new Outcome(failed, soonest, longest, reasons);
    }

    private Outcome readAlone(Reads what) throws IOException, InterruptedException {
      var random = new SplittableRandom();
      long failed = 0;
      long soonest = NONE;
      long longest = 0;
      Set<String> reasons = ConcurrentHashMap.newKeySet();
      URI address = URI.create(Objects.requireNonNull(export).address());
      try (NbdClient client = NbdClient.connect(address, Duration.ofSeconds(30))) {
        for (int i = 0; i < what.most && System.nanoTime() < what.untilNanos; i++) {
          int length = 512 << random.nextInt(8);
          int offset = random.nextInt((what.end - length) / 512 + 1) * 512;
          ByteBuffer into = ByteBuffer.allocate(length);
          long began = System.nanoTime();
          boolean right = true;
          try {
            client.read(offset, into);
          } catch (IOException e) {
            right = false;
          }
          long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
          longest = Math.max(longest, millis);
          load.reads.incrementAndGet();
          if (right) {
            assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(disk, offset, length));
          } else {
            failed++;
            soonest = Math.min(soonest, millis);
            load.failed.incrementAndGet();
            reasons.add(lastFailure());
            Thread.sleep(20); // failures come fast, and are all alike
          }
        }
      }
      load.longestMillis.accumulateAndGet(longest, Math::max);
      return new Outcome(failed, soonest, longest, reasons);
    }

    private String lastFailure() {
      LastFailure last = Objects.requireNonNull(device).stats().lastFailure();
      return last == null ? "no reason" : last.reason();
    }

    /** What was under way when the fault ended may fail yet; then reads are right again. */
    void awaitRight() throws Exception {
      long end = System.nanoTime() + RECOVERY.toNanos();
      for (Outcome last = read(Reads.all(3)); last.failed > 0; last = read(Reads.all(3))) {
        assertThat(System.nanoTime()).as("%s", last.reasons).isLessThan(end);
      }
    }

    void awaitDownload() throws IOException, InterruptedException {
      Downloads download = Objects.requireNonNull(image).download().orElseThrow();
      download.awaitEnd(DOWNLOAD.toNanos());
      assertThat(download.status().state())
          .as("%s", download.status())
          .isEqualTo(DownloadStatus.State.DONE);
      int number = 0;
      for (JsonElement layer : layers()) {
        byte[] commit = Files.readAllBytes(dir.resolve("layer" + number + "/overlaybd.commit"));
        assertThat(Digest.of(commit))
            .hasToString(layer.getAsJsonObject().get("digest").getAsString());
        number++;
      }
    }

    @Override
    public void close() throws IOException {
      if (export != null) {
        export.close();
      }
      if (device != null) {
        device.close();
      }
      session.close();
      registry.close();
      threads.shutdown();
    }
  }
}
