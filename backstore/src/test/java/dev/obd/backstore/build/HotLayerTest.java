package dev.obd.backstore.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.prefetch.TraceLayer;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.io.FormatException;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ObdAnnotations;
import dev.obd.registry.OverlaybdAnnotations;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HotLayerTest {
  private static final int BLOCK = 4096;

  @TempDir private Path dir;
  private Workshop shop;

  @BeforeEach
  void prepare() throws IOException {
    shop = new Workshop(dir);
  }

  @AfterEach
  void clean() throws IOException {
    shop.close();
  }

  static LongStream seeds() {
    return LongStream.of(1, 2, 3, System.nanoTime());
  }

  /** An image "v{n}" of that many layers, each changing parts of the disk below. */
  private byte[] stack(SplittableRandom random, int layers) throws IOException {
    byte[] disk = new byte[random.nextInt(1, 300) * BLOCK + 512 * random.nextInt(8)];
    for (int i = 1; i <= layers; i++) {
      for (int change = 0; change < 20; change++) {
        int from = random.nextInt(disk.length);
        int to = Math.min(disk.length, from + random.nextInt(1, 40_000));
        byte[] fresh = new byte[to - from];
        if (random.nextInt(4) > 0) {
          new java.util.Random(random.nextLong()).nextBytes(fresh);
        }
        System.arraycopy(fresh, 0, disk, from, fresh.length);
      }
      shop.importDisk("v" + i, disk, i == 1 ? "" : "v" + (i - 1));
    }
    return disk;
  }

  /** Reads of layers that may be anywhere: in data, hidden or not, in headers, past the end. */
  private static Trace trace(SplittableRandom random, LayerStack stack) {
    List<Access> accesses = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      int layer = random.nextInt(stack.layers().size());
      long size = stack.layers().get(layer).source().size();
      accesses.add(new Access(layer, random.nextLong(size + 2000), random.nextInt(1, 30_000)));
    }
    return Trace.of(accesses);
  }

  /** By block of the disk: the number of the first access that needs any of it. */
  private static Map<Long, Integer> touched(LayerStack stack, Trace trace) throws IOException {
    Map<Long, Integer> first = new TreeMap<>();
    for (long at = 0; at < stack.size(); at += 512) {
      long sector = at;
      stack.forEachLayerRange(
          sector,
          512,
          (layer, offset, length) -> {
            for (int i = 0; i < trace.size(); i++) {
              Access access = trace.get(i);
              if (access.layer() == layer
                  && access.offset() < offset + length
                  && access.offset() + access.length() > offset) {
                first.merge(sector / BLOCK, i, Math::min);
                break;
              }
            }
            return true;
          });
    }
    return first;
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void itHoldsWhatTheTraceTouchedInThatOrderAndTheDiskStaysTheSame(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    int layers = random.nextInt(1, 5);
    byte[] disk = stack(random, layers);
    Trace trace;
    Map<Long, Integer> touched;
    try (Image image = shop.open("v" + layers)) {
      trace = trace(random, image.stack().orElseThrow());
      touched = touched(image.stack().orElseThrow(), trace);
    }
    ImageBuilder.Hot hot = shop.hot("v" + layers, "hot", trace, false);
    assertThat(shop.read("hot")).isEqualTo(disk);
    try (Image image = shop.open("hot")) {
      LayerStack stack = image.stack().orElseThrow();
      assertThat(stack.layers()).hasSize(layers + 1);
      SealedLayer top = stack.layers().getLast();
      Map<Long, Long> places = new TreeMap<>(); // block of the disk → sector of the file
      top.index()
          .forEach((first, count, data, zeroed, tag) -> {
            for (int i = 0; i < count; i++) {
              places.putIfAbsent((first + i) / 8, data + i);
            }
            return true;
          });
      assertThat(places.keySet()).isEqualTo(touched.keySet());
      List<Long> inFile =
          places.entrySet().stream()
              .sorted(Map.Entry.comparingByValue())
              .map(Map.Entry::getKey)
              .toList();
      List<Integer> ranks = inFile.stream().map(touched::get).toList();
      assertThat(ranks).as("data in the order of first touch").isSorted();
      assertThat(hot.dataBytes())
          .isEqualTo(
              touched.keySet().stream()
                  .mapToLong(block -> Math.min(BLOCK, disk.length - block * BLOCK))
                  .sum());
    }
    requireDeterministic("v" + layers, trace);
    requireTraceOfTheNewImage(layers, disk);
  }

  private void requireDeterministic(String base, Trace trace) throws IOException {
    shop.hot(base, "again", trace, false);
    List<Descriptor> once = shop.load("hot").manifest().layers();
    assertThat(shop.load("again").manifest().layers()).as("same bytes").isEqualTo(once);
    // Made anew of its own trace, which reads the hot layer.
    Trace own;
    LoadedImage image = shop.load("hot");
    own = TraceLayer.load(image.home(), once.getLast()).trace().orElseThrow();
    ImageBuilder.Hot anew = shop.hot("hot", "anew", own, true);
    assertThat(anew.hotLayerRemoved()).isTrue();
    assertThat(shop.load("anew").manifest().layers()).isEqualTo(once);
    assertThat(shop.load("anew").config().toBytes()).isEqualTo(image.config().toBytes());
  }

  /** No record of data but the hot layer's, all of which is read in its order. */
  private void requireTraceOfTheNewImage(int number, byte[] disk) throws IOException {
    LoadedImage loaded = shop.load("hot");
    assertThat(shop.plans.plan(loaded).trace()).isInstanceOf(TraceUse.Replay.class);
    Trace trace =
        TraceLayer.load(loaded.home(), loaded.manifest().layers().getLast()).trace().orElseThrow();
    try (Image image = shop.open("hot")) {
      List<SealedLayer> layers = image.stack().orElseThrow().layers();
      long next = 4096;
      for (Access access : trace) {
        SealedLayer layer = layers.get(access.layer());
        long index = layer.trailer().indexOffset();
        assertThat(access.offset() + access.length()).isLessThanOrEqualTo(layer.source().size());
        boolean opening = access.offset() + access.length() <= 4096 || access.offset() >= index;
        if (access.layer() < number) {
          assertThat(opening).as("%s of a layer below", access).isTrue();
        } else if (!opening) {
          assertThat(access.offset()).isEqualTo(next);
          next += access.length();
        }
      }
      assertThat(next).as("all data").isEqualTo(layers.get(number).trailer().indexOffset());
    }
  }

  @Test
  void theManifestAndTheConfigSayWhatItIs() throws IOException {
    byte[] disk = stack(new SplittableRandom(5), 2);
    LoadedImage base = shop.load("v2");
    Map<String, String> typed = new LinkedHashMap<>(base.manifest().layers().get(1).annotations());
    typed.put(OverlaybdAnnotations.BLOB_FS_TYPE, "ext4");
    List<Descriptor> layers = new ArrayList<>(base.manifest().layers());
    layers.set(1, layers.get(1).withAnnotations(typed));
    shop.save("v2", "typed", base.manifest().withLayers(layers));
    ImageBuilder.Hot hot = shop.hot("typed", "hot", whole(1), false);
    LoadedImage image = shop.load("hot");
    assertThat(image.manifest().layers().subList(0, 2)).as("kept").isEqualTo(layers);
    Descriptor layer = image.manifest().layers().get(2);
    assertThat(layer.annotations())
        .containsExactly(
            Map.entry(OverlaybdAnnotations.BLOB_DIGEST, layer.digest().value()),
            Map.entry(OverlaybdAnnotations.BLOB_SIZE, Long.toString(layer.size())),
            Map.entry(OverlaybdAnnotations.VERSION, "0.1.0"),
            Map.entry(OverlaybdAnnotations.BLOB_FS_TYPE, "ext4"),
            Map.entry(ObdAnnotations.HOT_LAYER, "yes"));
    assertThat(layer.mediaType()).isEqualTo("application/vnd.oci.image.layer.v1.tar");
    assertThat(layer.size()).isEqualTo(hot.built().layerBytes());
    assertThat(OverlaybdAnnotations.isAcceleration(image.manifest().layers().get(3))).isTrue();
    List<Digest> digests = image.manifest().layers().stream().map(Descriptor::digest).toList();
    assertThat(image.config().diffIds()).isEqualTo(digests);
    assertThat(image.config().historySize()).as("two disks, hot layer, trace").isEqualTo(4);
    assertThat(hot.belowBytes()).isEqualTo(layers.get(0).size() + layers.get(1).size());
    try (Image opened = shop.open("hot")) {
      SealedLayer top = opened.stack().orElseThrow().layers().getLast();
      assertThat(top.uuid()).isNotEqualTo(dev.obd.format.lsmt.LayerHeader.NO_UUID);
      assertThat(top.virtualSize()).isEqualTo(disk.length);
    }
  }

  /** Reads every byte of the layer numbered so. */
  private static Trace whole(int layer) {
    return Trace.of(List.of(new Access(layer, 0, 64 << 20)));
  }

  @Test
  void aSecondOneIsRefusedOrTakesThePlaceOfTheFirst() throws IOException {
    byte[] disk = stack(new SplittableRandom(6), 2);
    shop.hot("v2", "hot", whole(0), false);
    assertThatThrownBy(() -> shop.hot("hot", "second", whole(1), false))
        .hasMessageContaining("has a hot layer already")
        .hasMessageContaining("--replace");
    shop.hot("hot", "second", whole(1), true);
    shop.hot("v2", "direct", whole(1), false);
    assertThat(shop.load("second").manifest().layers())
        .isEqualTo(shop.load("direct").manifest().layers());
    assertThat(shop.read("second")).isEqualTo(disk);
  }

  @Test
  void whatGoesOnTopOfItKeepsItAsALayer() throws IOException {
    byte[] disk = stack(new SplittableRandom(7), 1);
    shop.hot("v1", "hot", whole(0), false);
    byte[] changed = disk.clone();
    Arrays.fill(changed, 0, 6000, (byte) 9);
    LoadedImage next = shop.importDisk("next", changed, "hot");
    assertThat(next.manifest().layers()).hasSize(3);
    assertThat(ObdAnnotations.isHot(next.manifest().layers().get(1))).isTrue();
    assertThat(shop.read("next")).isEqualTo(changed);
    shop.hot("next", "next-hot", whole(1), false);
    assertThat(shop.read("next-hot")).isEqualTo(changed);
  }

  @Test
  void aLayerThatOnlySaysItIsOneIsNotRemoved() throws IOException {
    byte[] disk = stack(new SplittableRandom(8), 2);
    LoadedImage base = shop.load("v2");
    List<Descriptor> layers = new ArrayList<>(base.manifest().layers());
    Map<String, String> lie = new LinkedHashMap<>(layers.get(1).annotations());
    lie.put(ObdAnnotations.HOT_LAYER, "yes");
    layers.set(1, layers.get(1).withAnnotations(lie));
    shop.save("v2", "liar", base.manifest().withLayers(layers));
    assertThat(shop.read("liar")).as("it is read like any layer").isEqualTo(disk);
    assertThatThrownBy(() -> shop.hot("liar", "replaced", whole(0), true))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("hot layer");
    shop.save("v1", "alone", base.manifest().withLayers(layers.subList(1, 2)));
    assertThatThrownBy(() -> shop.hot("alone", "replaced", whole(0), true))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("layers below it");
  }

  @Test
  void aTraceThatReadsNothingOrOfAnotherImageIsRefused() throws IOException {
    stack(new SplittableRandom(9), 1);
    assertThatThrownBy(() -> shop.hot("v1", "hot", Trace.of(List.of(new Access(0, 0, 100))), false))
        .hasMessageContaining("reads nothing of the disk");
    assertThatThrownBy(() -> shop.hot("v1", "hot", whole(1), false))
        .hasMessageContaining("recorded on another image");
    assertThatThrownBy(() -> shop.load("hot")).isInstanceOf(IOException.class);
  }

  @Test
  void overlappingReadsCountWhereTheyWereFirst() throws IOException {
    byte[] disk = new byte[64 * BLOCK];
    new java.util.Random(1).nextBytes(disk);
    shop.importDisk("v1", disk, "");
    Trace trace =
        Trace.of(
            IntStream.of(40, 8, 41, 8, 7, 40)
                .mapToObj(block -> new Access(0, 4096 + block * 4096L, 3 * 4096))
                .toList());
    shop.hot("v1", "hot", trace, false);
    try (Image image = shop.open("hot")) {
      List<long[]> segments = new ArrayList<>();
      image
          .stack()
          .orElseThrow()
          .layers()
          .getLast()
          .index()
          .forEach((first, count, data, zeroed, tag) ->
              segments.add(new long[] {first / 8, count / 8, data / 8}));
      segments.sort(Comparator.comparingLong(s -> s[2]));
      assertThat(segments)
          .containsExactly(
              new long[] {40, 3, 1},
              new long[] {8, 3, 4},
              new long[] {43, 1, 7},
              new long[] {7, 1, 8});
      assertThat(ByteBuffer.wrap(Workshop.read(image))).isEqualTo(ByteBuffer.wrap(disk));
    }
  }
}
