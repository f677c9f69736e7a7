package dev.obd.backstore.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.prefetch.PrefetchHints;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.prefetch.ReplayStats;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.format.FileSystems;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSink;
import dev.obd.io.FileSource;
import dev.obd.io.Range;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import dev.obd.trace.Access;
import dev.obd.trace.FileList;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Listed files of real file systems, fetched over a link that notes each request. */
class PrefetchFilesTest {
  private static final int FILE = 600_000;
  private static final long UNIT = 256 << 10;

  @TempDir private Path dir;
  private final ExecutorService executor = Executors.newCachedThreadPool();
  private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
  private BlobCache cache;
  private ImageOpener opener;
  private Path tree;

  @BeforeEach
  void prepare() throws IOException {
    Tools.requireOnPath("mke2fs", "mkfs.erofs");
    open("cache");
    tree = Files.createDirectory(dir.resolve("tree"));
    for (String name : new String[] {"a", "b", "lib/c", "lib/deep/d", "lib/deep/e", "z"}) {
      Path file = tree.resolve(name);
      Files.createDirectories(file.getParent());
      Files.write(file, Contents.of("rand", name.hashCode(), FILE));
    }
    Files.createSymbolicLink(tree.resolve("link"), Path.of("lib/c"));
  }

  private void open(String name) throws IOException {
    cache = BlobCache.open(CacheConfig.in(dir.resolve(name)).withFreeReserve(0), Ticker.SYSTEM);
    Links links =
        new Links(link -> new SlotScheduler(link, SlotScheduler.Limits.DEFAULT, Ticker.SYSTEM));
    opener = new ImageOpener(cache, links, executor, scheduler, Ticker.SYSTEM);
  }

  /** Goes on with an empty cache. */
  private void forget() throws IOException {
    forget("other");
  }

  private void forget(String next) throws IOException {
    cache.close();
    open(next);
  }

  @AfterEach
  void tearDown() throws IOException {
    scheduler.shutdownNow();
    executor.close();
    cache.close();
  }

  /** A blob that notes what is asked of it. */
  private static final class NotedBlob implements BlockSource {
    private final byte[] bytes;
    private final List<Range> asked = new CopyOnWriteArrayList<>();

    NotedBlob(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public void read(long offset, ByteBuffer dst) {
      asked.add(new Range(offset, dst.remaining()));
      dst.put(bytes, (int) offset, dst.remaining());
    }

    @Override
    public String name() {
      return "noted";
    }

    @Override
    public void close() {}

    boolean had(Range range) {
      return asked.stream().anyMatch(r -> r.offset() < range.end() && range.offset() < r.end());
    }

    int firstOf(Range range) {
      for (int i = 0; i < asked.size(); i++) {
        Range r = asked.get(i);
        if (r.offset() < range.end() && range.offset() < r.end()) {
          return i;
        }
      }
      return Integer.MAX_VALUE;
    }
  }

  private Path disk(String type) throws Exception {
    Path disk = dir.resolve(type);
    if (type.equals("ext4")) {
      Processes.run("mke2fs", "-q", "-F", "-t", type, "-d", tree + "", disk + "", "16M");
    } else {
      Processes.run("mkfs.erofs", "--quiet", disk.toString(), tree.toString());
    }
    return disk;
  }

  private NotedBlob blob(String type) throws Exception {
    Path layer = dir.resolve(type + ".layer");
    try (BlockSource disk = FileSource.open(disk(type));
        FileSink out = FileSink.create(layer)) {
      RawLayerWriter.write(disk, Optional.empty(), ImportOptions.NONE, out, done -> {});
      out.finish();
    }
    return new NotedBlob(Files.readAllBytes(layer));
  }

  private static ImagePlan plan(NotedBlob blob, ImagePlan.TraceUse use) {
    Digest digest = Digest.of(blob.bytes);
    return new ImagePlan(
        "an image", List.of(LayerOrigin.remote(digest, "host", () -> blob)), use, Optional.empty());
  }

  private static OpenOptions listing(String... paths) {
    return OpenOptions.DEFAULTS.withFiles(FileList.of(List.of(paths))).withReplayConcurrency(1);
  }

  private static ReplayStats done(Image image) throws InterruptedException {
    Replayer replayer = image.replayer().orElseThrow();
    assertThat(replayer.awaitDone(Duration.ofMinutes(1))).isTrue();
    return replayer.stats();
  }

  /** Where in the blob a file is: its layer's data is not compressed, and in the disk's order. */
  private static List<Range> places(Image image, String path) throws IOException {
    FileSystemReader files = FileSystems.open(image.stack().orElseThrow());
    return LayerAccesses.of(image.stack().orElseThrow(), files.ranges(files.resolve(path))).stream()
        .map(access -> new Range(access.offset(), access.length()))
        .toList();
  }

  private void assertContent(Image image, String path) throws IOException {
    FileSystemReader files = FileSystems.open(image.stack().orElseThrow());
    BlockSource content = files.content(files.resolve(path));
    assertThat(BlockSources.readFully(content, 0, (int) content.size()).array())
        .isEqualTo(Files.readAllBytes(tree.resolve(path)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ext4", "erofs"})
  void listedFilesAndDirectoriesAreHereBeforeTheyAreRead(String type) throws Exception {
    NotedBlob blob = blob(type);
    var nothing = new ImagePlan.TraceUse.None();
    try (Image image =
        opener.open(plan(blob, nothing), listing("/lib/", "/b", "/none", "/lib/c"))) {
      ReplayStats stats = done(image);
      assertThat(stats.state()).isEqualTo(ReplayStats.State.DONE);
      assertThat(stats.failed()).isZero();
      assertThat(stats.rangeBytes()).isBetween(4L * FILE, 4L * FILE + (4 << 20));
      int before = blob.asked.size();
      for (String path : new String[] {"b", "lib/c", "lib/deep/d", "lib/deep/e"}) {
        assertContent(image, path);
      }
      assertThat(blob.asked).hasSize(before);
      assertContent(image, "z");
      assertThat(blob.asked).hasSizeGreaterThan(before);
    }
  }

  @Test
  void whatIsListedTwiceOrLiesInAListedDirectoryIsFetchedOnce() throws Exception {
    NotedBlob blob = blob("ext4");
    var nothing = new ImagePlan.TraceUse.None();
    long once;
    try (Image image = opener.open(plan(blob, nothing), listing("/lib"))) {
      once = done(image).records();
    }
    try (Image image =
        opener.open(plan(blob, nothing), listing("/lib/deep/*", "/lib", "/link", "/lib/deep/d"))) {
      assertThat(done(image).records()).isEqualTo(once);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ext4", "erofs"})
  void whatTheImageSaysComesBeforeTheList(String type) throws Exception {
    NotedBlob blob = blob(type);
    Range first;
    Range second;
    try (Image image =
        opener.open(
            plan(blob, new ImagePlan.TraceUse.None()), OpenOptions.DEFAULTS.withReplay(false))) {
      first = places(image, "lib/deep/e").getFirst();
      second = places(image, "b").getFirst();
    }
    forget();
    NotedBlob fresh = new NotedBlob(blob.bytes);
    var replay =
        new ImagePlan.TraceUse.Replay(
            () -> Recordings.of(Trace.of(List.of(new Access(0, first.offset(), first.length())))));
    try (Image image = opener.open(plan(fresh, replay), listing("/b"))) {
      assertThat(done(image).state()).isEqualTo(ReplayStats.State.DONE);
      int mark = fresh.firstOf(inside(first));
      assertThat(mark).isLessThan(fresh.firstOf(inside(second)));
      assertThat(fresh.had(inside(second))).isTrue();
    }
  }

  /** A part of it in a unit of the cache that holds nothing else: no metadata brings it. */
  private static Range inside(Range range) {
    Range part = new Range((range.offset() + UNIT - 1) & -UNIT, 4096);
    assertThat(part.offset() + UNIT).isLessThanOrEqualTo(range.end());
    return part;
  }

  @Test
  void aTraceThatCannotBeHadDoesNotKeepTheList() throws Exception {
    NotedBlob blob = blob("ext4");
    var damaged =
        new ImagePlan.TraceUse.Replay(() -> {
          throw new IOException("damaged");
        });
    try (Image image = opener.open(plan(blob, damaged), listing("/b"))) {
      assertThat(done(image).state()).isEqualTo(ReplayStats.State.DONE);
      int before = blob.asked.size();
      assertContent(image, "b");
      assertThat(blob.asked).hasSize(before);
    }
  }

  @Test
  void nothingIsFetchedAheadWhereThatIsOff() throws Exception {
    NotedBlob blob = blob("ext4");
    var nothing = new ImagePlan.TraceUse.None();
    int opening;
    try (Image image = opener.open(plan(blob, nothing), OpenOptions.DEFAULTS)) {
      assertThat(image.replayer()).isEmpty();
      opening = blob.asked.size();
    }
    forget();
    NotedBlob fresh = new NotedBlob(blob.bytes);
    try (Image image = opener.open(plan(fresh, nothing), listing("/").withReplay(false))) {
      assertThat(image.replayer()).isEmpty();
      assertThat(fresh.asked).hasSize(opening);
    }
  }

  @Test
  void aDiskWithoutAFileSystemIsServedAllTheSame() throws Exception {
    Path layer = dir.resolve("layer");
    byte[] bytes = Contents.of("rand", 1, 1 << 20);
    try (FileSink out = FileSink.create(layer)) {
      BlockSource disk = BlockSources.ofBytes("disk", ByteBuffer.wrap(bytes));
      RawLayerWriter.write(disk, Optional.empty(), ImportOptions.NONE, out, done -> {});
      out.finish();
    }
    NotedBlob blob = new NotedBlob(Files.readAllBytes(layer));
    try (Image image =
        opener.open(plan(blob, new ImagePlan.TraceUse.None()), listing("/etc/passwd"))) {
      assertThat(done(image).state()).isEqualTo(ReplayStats.State.DAMAGED);
      ByteBuffer read = ByteBuffer.allocate(1 << 20);
      image.read(0, read);
      assertThat(read.array()).isEqualTo(bytes);
    }
  }

  private static ImagePlan hinted(NotedBlob blob, List<Long> inodes) {
    ImagePlan plan = plan(blob, new ImagePlan.TraceUse.None());
    var hints = new LayerHints(Optional.of(new PrefetchHints(inodes)), Optional.empty());
    return new ImagePlan(
        plan.name(),
        List.of(plan.lowers().getFirst().hinted(hints)),
        plan.trace(),
        Optional.empty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ext4", "erofs"})
  void theImagesTableComesBeforeTheUsersList(String type) throws Exception {
    NotedBlob blob = blob(type);
    Range d;
    Range e;
    Range listed;
    String path;
    List<Long> inodes;
    var off = OpenOptions.DEFAULTS.withReplay(false);
    try (Image image = opener.open(plan(blob, new ImagePlan.TraceUse.None()), off)) {
      FileSystemReader files = FileSystems.open(image.stack().orElseThrow());
      // A number that names nothing here is left out.
      inodes = List.of(files.resolve("/lib/deep").number(), 0x7FFF_FFFFL);
      d = inside(places(image, "lib/deep/d").getFirst());
      e = inside(places(image, "lib/deep/e").getFirst());
      path = "a";
      listed = inside(places(image, "a").getFirst());
      for (String other : new String[] {"b", "z"}) { // a neighbour would come in one request
        Range place = inside(places(image, other).getFirst());
        if (distance(place, d, e) > distance(listed, d, e)) {
          path = other;
          listed = place;
        }
      }
      assertThat(distance(listed, d, e)).isGreaterThan(2L * FILE - UNIT);
    }
    forget();
    NotedBlob fresh = new NotedBlob(blob.bytes);
    try (Image image = opener.open(hinted(fresh, inodes), listing("/" + path))) {
      ReplayStats stats = done(image);
      assertThat(stats.state()).isEqualTo(ReplayStats.State.DONE);
      assertThat(Math.max(fresh.firstOf(d), fresh.firstOf(e))).isLessThan(fresh.firstOf(listed));
      String[] paths = {path, "lib/deep/d", "lib/deep/e"};
      for (String here : paths) { // the names were not looked up: a table has numbers
        FileSystems.open(image.stack().orElseThrow()).resolve(here);
      }
      int before = fresh.asked.size();
      for (String here : paths) {
        assertContent(image, here);
      }
      assertThat(fresh.asked).hasSize(before);
    }
    forget("third");
    NotedBlob untouched = new NotedBlob(blob.bytes);
    try (Image image =
        opener.open(hinted(untouched, inodes), listing("/" + path).withReplay(false))) {
      assertThat(image.replayer()).isEmpty();
      assertThat(untouched.had(d)).isFalse();
    }
  }

  private static long distance(Range place, Range one, Range other) {
    return Math.min(
        Math.abs(place.offset() - one.offset()), Math.abs(place.offset() - other.offset()));
  }
}
