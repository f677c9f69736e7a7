package dev.obd.backstore.build;

import static dev.obd.backstore.cache.Eventually.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.image.Image;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.registry.Descriptor;
import dev.obd.registry.ImageReference;
import dev.obd.registry.ObdAnnotations;
import dev.obd.registry.Progress;
import dev.obd.testdata.Call;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.Profile;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An image with a hot layer, attached over a registry that counts and fails. */
@Timeout(120)
class HotAttachTest {
  private static final int SIZE = 24 << 20;
  private static final int READS = 60;
  private static final int READ_BYTES = 48 << 10;

  @TempDir private Path dir;
  private Workshop shop;
  private FaultyRegistry registry;
  private byte[] disk;

  /** What a start reads of the disk, in order. */
  private final List<Integer> start = new ArrayList<>();

  private Descriptor hot;

  @BeforeEach
  void prepare() throws IOException {
    shop = new Workshop(dir);
    registry = FaultyRegistry.start();
    disk = Contents.of("mix", 1, SIZE);
    shop.importDisk("v1", disk, "");
    byte[] fresh = Contents.of("rand", 2, SIZE / 4);
    System.arraycopy(fresh, 0, disk, SIZE / 2, fresh.length);
    shop.importDisk("v2", disk, "v1");
    var random = new SplittableRandom(3);
    List<Access> accesses = new ArrayList<>();
    try (Image image = shop.open("v2")) {
      for (int i = 0; i < READS; i++) {
        int at = random.nextInt((SIZE - READ_BYTES) / 4096) * 4096;
        start.add(at);
        image
            .stack()
            .orElseThrow()
            .forEachLayerRange(
                at,
                READ_BYTES,
                (layer, offset, length) -> accesses.add(new Access(layer, offset, length)));
      }
    }
    shop.hot("v2", "hot", Trace.of(accesses), false);
    push("hot");
    hot = shop.load("hot").manifest().layers().get(2);
  }

  @AfterEach
  void clean() throws IOException {
    registry.close(); // first: nobody waits for it any more
    shop.close();
  }

  private void push(String tag) throws IOException {
    shop.images.push(shop.load(tag), reference(tag), Progress.NONE);
    registry.clearLog();
  }

  private ImageReference reference(String tag) {
    return ImageReference.parse(registry.host() + "/app:" + tag);
  }

  private Image attach(String tag) throws IOException {
    LoadedImage image = shop.images.load(reference(tag).toString());
    return shop.opener.open(shop.plans.plan(image), dev.obd.backstore.image.OpenOptions.DEFAULTS);
  }

  private static void await(Image image) throws InterruptedException {
    assertThat(image.replayer().orElseThrow().awaitDone(Duration.ofSeconds(60))).isTrue();
  }

  private void readStart(Image image) throws IOException {
    for (int at : start) {
      ByteBuffer got = ByteBuffer.allocate(READ_BYTES);
      image.read(at, got);
      assertThat(got.flip().mismatch(ByteBuffer.wrap(disk, at, READ_BYTES)))
          .as("at %d", at)
          .isEqualTo(-1);
    }
  }

  private static Predicate<Call> readsOf(Descriptor layer) {
    return call -> call.isBlobRead() && call.path().contains(layer.digest().value());
  }

  private List<LoggedRequest> reads(Descriptor layer) {
    return registry.log().stream()
        .filter(r -> r.isBlobRead() && r.path().contains(layer.digest().value()))
        .toList();
  }

  private static long bytes(List<LoggedRequest> requests) {
    return requests.stream().mapToLong(LoggedRequest::bytesSent).sum();
  }

  @Test
  void oneRequestBringsTheStartAndTheStartNeedsNoOther() throws Exception {
    try (Image image = attach("hot")) {
      await(image);
      List<LoggedRequest> fetched = reads(hot);
      assertThat(bytes(fetched)).isLessThanOrEqualTo(hot.size() * 11 / 10);
      assertThat(fetched.stream().filter(r -> r.bytesSent() > hot.size() / 2)).hasSize(1);
      assertThat(fetched).hasSizeLessThanOrEqualTo(4);
      int all = registry.log().size();
      readStart(image);
      assertThat(registry.log()).as("a start asks for nothing").hasSize(all);
    }
  }

  @Test
  void aStartThatRunsBesideTheStreamReadsFromIt() throws Exception {
    registry.profile(Profile.link(Duration.ofMillis(20), 2 << 20));
    try (Image image = attach("hot")) {
      readStart(image);
      await(image);
      assertThat(bytes(reads(hot))).isLessThanOrEqualTo(hot.size() * 11 / 10);
      assertThat(reads(hot)).hasSizeLessThanOrEqualTo(4);
    }
  }

  @Test
  void aStreamThatBreaksCostsARequestAndNoByte() throws Exception {
    registry.fault(1, longReads(), new Fault.Reset(hot.size() / 3));
    try (Image image = attach("hot")) {
      readStart(image);
      await(image);
      int all = registry.log().size();
      readStart(image);
      assertThat(registry.log()).hasSize(all);
      assertThat(bytes(reads(hot))).isLessThanOrEqualTo(hot.size() * 3 / 2);
    }
  }

  @Test
  void wrongBytesOfTheStreamAreReadAgain() throws Exception {
    registry.fault(1, longReads(), new Fault.WrongBytes(hot.size() / 2, 2000));
    try (Image image = attach("hot")) {
      await(image);
      readStart(image);
      assertThat(Arrays.equals(Workshop.read(image), disk)).isTrue();
    }
  }

  @Test
  void aRegistryThatGoesAwayInTheMiddleOfItIsWaitedForByReadersOnly() throws Exception {
    registry.profile(Profile.link(Duration.ZERO, 4 << 20));
    try (Image image = attach("hot")) {
      registry.dropConnections();
      readStart(image);
      await(image);
    }
  }

  @Test
  void whoClosesTheImageWantsNoMoreOfIt() throws Exception {
    registry.profile(Profile.link(Duration.ZERO, 300_000));
    try (Image image = attach("hot")) {
      assertThat(image.replayer()).isPresent();
      until(() -> registry.counters().requests() > registry.log().size()); // it is under way
    }
    until(() -> registry.counters().requests() == registry.log().size());
    assertThat(bytes(reads(hot))).isLessThan(hot.size());
  }

  @Test
  void aLayerThatOnlySaysItIsOneIsStreamedAndHarmsNothing() throws Exception {
    LoadedImage base = shop.load("v2");
    List<Descriptor> layers = new ArrayList<>(base.manifest().layers());
    Map<String, String> lie = new LinkedHashMap<>(layers.get(0).annotations());
    lie.put(ObdAnnotations.HOT_LAYER, "yes");
    layers.set(0, layers.get(0).withAnnotations(lie));
    shop.save("v2", "liar", base.manifest().withLayers(layers));
    push("liar");
    try (Image image = attach("liar")) {
      assertThat(Arrays.equals(Workshop.read(image), disk)).isTrue();
    }
  }

  /** The stream's request: that of most of the blob. */
  private Predicate<Call> longReads() {
    return readsOf(hot).and(call -> length(call.headers().get("range")) > hot.size() / 2);
  }

  private static long length(String range) {
    if (range == null) {
      return Long.MAX_VALUE;
    }
    String[] ends = range.substring("bytes=".length()).split("-", -1);
    return ends[1].isEmpty() ? Long.MAX_VALUE : Long.parseLong(ends[1]) - Long.parseLong(ends[0]);
  }
}
