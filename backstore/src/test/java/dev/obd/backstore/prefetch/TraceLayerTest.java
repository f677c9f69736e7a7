package dev.obd.backstore.prefetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageConfig;
import dev.obd.registry.Manifest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.OverlaybdAnnotations;
import dev.obd.testdata.Golden;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import dev.obd.trace.TraceFormatException;
import dev.obd.trace.runs.Run;
import dev.obd.trace.runs.Runs;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TraceLayerTest {
  private static final String PREFIX = "containerd.io/snapshot/overlaybd/";
  private static final Instant NOW = Instant.parse("2026-03-04T05:06:07.89Z");
  private static final String CONFIG =
      """
      {"created":"2020-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{"Env":["A=b"]},
       "rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s"]},
       "history":[{"created_by":"first"},{"created_by":"second","empty_layer":true}]}
      """
          .formatted("1".repeat(64), "2".repeat(64));

  @Test
  void theLayerIsAnArchiveWithOneMember(@TempDir Path dir) throws Exception {
    byte[] content = goldenTrace();
    byte[] blob = add(content).blob();
    assertThat(blob).hasSize(512 + 1024 + 1024);
    assertThat(Arrays.copyOfRange(blob, 512, 512 + content.length)).isEqualTo(content);

    Path file = Files.write(dir.resolve("layer.tar"), blob);
    var listing =
        new ProcessBuilder("tar", "--utc", "--full-time", "-tvf", file.toString()).start();
    String text = new String(listing.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Assumptions.assumeTrue(listing.waitFor(60, TimeUnit.SECONDS), "tar did not end");
    assertThat(text).matches("-r--r--r-- 0/0 +" + content.length + " 1970-01-01 00:00:00 trace\n");
  }

  @Test
  void theDescriptorSaysWhatOverlaybdLooksFor() throws IOException {
    TraceLayer.Added added = add(goldenTrace());
    Descriptor layer = added.layer();
    String digest = "sha256:" + sha256(added.blob());
    assertThat(layer.mediaType()).isEqualTo("application/vnd.oci.image.layer.v1.tar");
    assertThat(layer.digest()).hasToString(digest);
    assertThat(layer.size()).isEqualTo(added.blob().length);
    assertThat(layer.annotations())
        .containsExactly(
            Map.entry(PREFIX + "version", "0.1.0"),
            Map.entry(PREFIX + "blob-digest", digest),
            Map.entry(PREFIX + "blob-size", Long.toString(layer.size())),
            Map.entry(PREFIX + "acceleration-layer", "yes"),
            Map.entry(PREFIX + "blob-fs-type", "ext4;noload"));
  }

  @Test
  void theManifestGetsTheLayerOnTopAndLosesWhatWasSaidOfTheOldImage() throws IOException {
    Manifest old =
        manifest().withAnnotations(Map.of("a", "b")).withSubject("application/x", layer(9, false));
    TraceLayer.Added added = TraceLayer.add("image", old, config(), goldenTrace(), Runs.NONE, NOW);
    Manifest manifest = added.image().manifest();
    assertThat(manifest.layers()).containsExactly(layer(1, false), layer(2, false), added.layer());
    assertThat(manifest.mediaType()).isEqualTo(MediaTypes.DOCKER_MANIFEST);
    assertThat(manifest.annotations()).isEmpty();
    assertThat(manifest.subject()).isEmpty();
    assertThat(manifest.artifactType()).isEmpty();
    byte[] config = added.image().config().toBytes();
    assertThat(manifest.config())
        .isEqualTo(
            new Descriptor(
                MediaTypes.DOCKER_CONFIG, new Digest("sha256:" + sha256(config)), config.length));
  }

  @Test
  void theConfigGetsTheDiffIdAndAFirstEntryOfHistoryAndKeepsTheRest() throws IOException {
    TraceLayer.Added added = add(goldenTrace());
    JsonObject json = json(added.image().config());
    assertThat(json.get("created").getAsString()).isEqualTo("2026-03-04T05:06:07.890Z");
    assertThat(json.getAsJsonObject("rootfs").getAsJsonArray("diff_ids"))
        .hasSize(3)
        .last()
        .hasToString('"' + added.layer().digest().toString() + '"');
    JsonArray history = json.getAsJsonArray("history");
    assertThat(history).hasSize(3);
    assertThat(history.get(0))
        .hasToString(
            "{\"created\":\"2026-03-04T05:06:07.890Z\",\"created_by\":\"Acceleration Layer\"}");
    history.remove(0);
    JsonObject original = JsonParser.parseString(CONFIG).getAsJsonObject();
    assertThat(history).isEqualTo(original.get("history"));
    assertThat(json.get("config")).isEqualTo(original.get("config"));
  }

  @Test
  void strippingUndoesAddingButForTheTime() throws IOException {
    TraceLayer.Image traced = add(goldenTrace()).image();
    TraceLayer.Image stripped = TraceLayer.strip("image", traced.manifest(), traced.config());
    assertThat(stripped.manifest().layers()).isEqualTo(manifest().layers());
    JsonObject expected = JsonParser.parseString(CONFIG).getAsJsonObject();
    expected.addProperty("created", "2026-03-04T05:06:07.890Z");
    assertThat(json(stripped.config())).isEqualTo(expected);
    byte[] config = stripped.config().toBytes();
    assertThat(stripped.manifest().config().digest()).hasToString("sha256:" + sha256(config));
    assertThat(TraceLayer.find("image", stripped.manifest())).isEmpty();
  }

  @Test
  void strippingALayerThatAToolCompressedTakesItsDiffIdToo() throws IOException {
    ImageConfig config = config();
    Manifest manifest = manifest().withLayers(List.of(layer(7, false), layer(8, true)));
    assertThat(TraceLayer.strip("image", manifest, config).config().diffIds())
        .containsExactly(config.diffIds().getFirst());
  }

  @Test
  void anImageWithoutATraceIsStrippedToItself() throws IOException {
    ImageConfig config = config();
    assertThat(TraceLayer.strip("image", manifest(), config))
        .isEqualTo(new TraceLayer.Image(manifest(), config));
  }

  @Test
  void aSecondTraceIsRefusedAndTheMessageSaysHowToReplaceTheFirst() throws IOException {
    TraceLayer.Image traced = add(goldenTrace()).image();
    assertThatThrownBy(() ->
            TraceLayer.add(
                "app:1", traced.manifest(), traced.config(), goldenTrace(), Runs.NONE, NOW))
        .isInstanceOf(TraceLayerException.class)
        .hasMessageStartingWith("app:1: has a trace layer already (sha256:")
        .hasMessageContaining("--replace");
  }

  @Test
  void aTraceLayerBelowTheTopIsRefused() {
    for (List<Descriptor> layers :
        List.of(
            List.of(layer(1, true), layer(2, false)),
            List.of(layer(1, false), layer(2, true), layer(3, true)))) {
      Manifest manifest = manifest().withLayers(layers);
      assertThatThrownBy(() -> TraceLayer.find("app:1", manifest))
          .isInstanceOf(TraceLayerException.class)
          .hasMessageMatching("app:1: layer \\d of \\d \\(sha256:.*\\) is a trace layer; .*top");
      assertThatThrownBy(() -> TraceLayer.strip("app:1", manifest, config()))
          .isInstanceOf(TraceLayerException.class);
    }
  }

  @Test
  void anImageOfNoBlockLayersGetsNoTrace() {
    var plain = new Descriptor(MediaTypes.OCI_LAYER_GZIP, Digest.of(new byte[] {1}), 1);
    for (List<Descriptor> layers : List.of(List.<Descriptor>of(), List.of(plain))) {
      assertThatThrownBy(() ->
              TraceLayer.add(
                  "app:1", manifest().withLayers(layers), config(), goldenTrace(), Runs.NONE, NOW))
          .isInstanceOf(TraceLayerException.class);
    }
  }

  @Test
  void theTraceIsReadBackFromItsLayer() throws IOException {
    byte[] blob = add(goldenTrace()).blob();
    assertThat(TraceLayer.parse("blob", blob).trace().orElseThrow())
        .hasSize(22)
        .isEqualTo(TraceFile.read(Golden.dir().resolve("j1-trace/trace")));
    assertThat(TraceLayer.parse("blob", gzip(blob)).trace().orElseThrow()).hasSize(22);
  }

  @Test
  void aLayerWithoutATraceIsRefused() throws IOException {
    byte[] list = add("/bin/sh\n".getBytes(StandardCharsets.UTF_8)).blob();
    assertThatThrownBy(() -> TraceLayer.parse("blob", list))
        .isInstanceOf(TraceFormatException.class);
    byte[] renamed = new byte[1024]; // an archive that ends at once
    assertThatThrownBy(() -> TraceLayer.parse("blob", renamed)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> TraceLayer.parse("blob", gzip(new byte[64 << 20])))
        .isInstanceOf(IOException.class);
  }

  @Test
  void aMutatedLayerIsRefusedOrGivesATrace() throws IOException {
    byte[] blob = add(goldenTrace()).blob();
    var random = new SplittableRandom(1);
    for (int round = 0; round < 20_000; round++) {
      byte[] mutated =
          random.nextInt(4) == 0 ? Arrays.copyOf(blob, random.nextInt(4096)) : blob.clone();
      for (int flips = random.nextInt(1, 4); flips > 0 && mutated.length > 0; flips--) {
        mutated[random.nextInt(Math.min(1200, mutated.length))] = (byte) random.nextInt();
      }
      try {
        assertThat(TraceLayer.parse("blob", mutated).trace().orElseThrow())
            .hasSizeLessThanOrEqualTo(170);
      } catch (IOException expected) {
        // says what is wrong
      }
    }
  }

  @Test
  void theRunsTravelBesideTheTraceWhichStaysTheFirstMember() throws IOException {
    Runs runs = runs(3);
    byte[] blob = add(goldenTrace(), runs).blob();
    assertThat(Arrays.copyOf(blob, 512 + goldenTrace().length))
        .isEqualTo(Arrays.copyOf(add(goldenTrace()).blob(), 512 + goldenTrace().length));
    for (byte[] stored : List.of(blob, gzip(blob))) {
      Recordings read = TraceLayer.parse("blob", stored);
      assertThat(read.runs()).isEqualTo(runs);
      assertThat(read.trace().orElseThrow()).hasSize(22);
    }
    assertThat(TraceLayer.parse("blob", add(goldenTrace()).blob()).runs().isEmpty()).isTrue();
  }

  @Test
  void ofTheTwoMembersOneMayBeDamaged() throws IOException {
    Runs runs = runs(2);
    byte[] blob = add(goldenTrace(), runs).blob();
    byte[] damagedRuns = blob.clone();
    damagedRuns[512 + 1024 + 512 + 30] ^= 1;
    assertThat(TraceLayer.parse("blob", damagedRuns).runs().isEmpty()).isTrue();
    assertThat(TraceLayer.parse("blob", damagedRuns).trace()).isPresent();
    byte[] damagedTrace = blob.clone();
    damagedTrace[512 + 100] ^= 1;
    assertThat(TraceLayer.parse("blob", damagedTrace).runs()).isEqualTo(runs);
    assertThat(TraceLayer.parse("blob", damagedTrace).trace()).isEmpty();
    damagedTrace[512 + 1024 + 512 + 30] ^= 1;
    assertThatThrownBy(() -> TraceLayer.parse("blob", damagedTrace))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageContaining("checksum");
  }

  @Test
  void theOldestRunsAreLeftOutWhereThereIsNoRoomForAll() throws IOException {
    List<Run> many = new ArrayList<>();
    var random = new SplittableRandom(5);
    for (int i = 0; i < 8; i++) {
      List<Access> reads = new ArrayList<>();
      for (int j = 0; j < Run.MAX_TOUCHES; j++) {
        reads.add(new Access(0, random.nextLong(1L << 50), 1));
      }
      many.add(Run.of(Instant.ofEpochSecond(100 + i), "", Trace.of(reads), DIGESTS));
    }
    Runs kept = TraceLayer.parse("blob", add(goldenTrace(), Runs.of(many)).blob()).runs();
    assertThat(kept.runs()).isNotEmpty().hasSizeLessThan(8);
    assertThat(kept.runs().getFirst().started()).isEqualTo(Instant.ofEpochSecond(107));
  }

  private static final List<String> DIGESTS = List.of("sha256:" + "7".repeat(64));

  private static Runs runs(int count) {
    return Runs.of(
        IntStream.range(0, count)
            .mapToObj(i ->
                Run.of(
                    Instant.ofEpochSecond(i),
                    "app",
                    Trace.of(List.of(new Access(0, i * 4096L, 4096))),
                    DIGESTS))
            .toList());
  }

  private static TraceLayer.Added add(byte[] content, Runs runs) throws IOException {
    return TraceLayer.add("image", manifest(), config(), content, runs, NOW);
  }

  private static TraceLayer.Added add(byte[] content) throws IOException {
    return TraceLayer.add("image", manifest(), config(), content, Runs.NONE, NOW);
  }

  private static Manifest manifest() {
    return new Manifest(
        MediaTypes.DOCKER_MANIFEST,
        new Descriptor(MediaTypes.DOCKER_CONFIG, Digest.of(new byte[0]), 0),
        List.of(layer(1, false), layer(2, false)));
  }

  private static Descriptor layer(int id, boolean trace) {
    Digest digest = Digest.of(new byte[] {(byte) id});
    Map<String, String> annotations = new LinkedHashMap<>();
    annotations.put(OverlaybdAnnotations.BLOB_DIGEST, digest.toString());
    annotations.put(OverlaybdAnnotations.BLOB_SIZE, "1");
    annotations.put(OverlaybdAnnotations.BLOB_FS_TYPE, "ext4;noload");
    if (trace) {
      annotations.put(OverlaybdAnnotations.ACCELERATION_LAYER, "yes");
    }
    return new Descriptor(MediaTypes.DOCKER_LAYER, digest, 1, annotations);
  }

  private static ImageConfig config() throws IOException {
    return ImageConfig.parse("config", CONFIG.getBytes(StandardCharsets.UTF_8));
  }

  private static JsonObject json(ImageConfig config) {
    return JsonParser.parseString(new String(config.toBytes(), StandardCharsets.UTF_8))
        .getAsJsonObject();
  }

  private static byte[] goldenTrace() throws IOException {
    return Files.readAllBytes(Golden.dir().resolve("j1-trace/trace"));
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    var out = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
