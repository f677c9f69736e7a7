package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.backstore.config.Home;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.Processes;
import dev.obd.trace.Access;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code obd inspect} and {@code obd trace show}, and what reading an image once costs. */
class InspectTest {
  private static final List<Access> TRACE =
      List.of(new Access(0, 8192, 4096), new Access(0, 4096, 8192), new Access(0, 500_000, 65_536));

  @TempDir private Path dir;

  private Path home() {
    return dir.resolve("home");
  }

  private Cli.Result obd(Object... args) {
    return ObdRun.in(home(), args);
  }

  private static JsonObject json(Cli.Result run) {
    return JsonParser.parseString(run.out()).getAsJsonObject();
  }

  private String layout() throws IOException {
    String name = "oci:" + dir.resolve("layout") + ":v1";
    TestImages.make(home(), TestImages.disk(dir.resolve("disk")), name, TRACE);
    return name;
  }

  // ---- images

  @Test
  void anImageSaysWhatItConsistsOf() throws IOException {
    String name = layout();
    JsonObject image = json(obd("inspect", "--json", name).expect(0));
    assertThat(image.get("kind").getAsString()).isEqualTo("image");
    assertThat(image.get("name").getAsString()).isEqualTo(name);
    assertThat(image.get("digest").getAsString()).startsWith("sha256:");
    assertThat(image.get("platform").getAsString()).startsWith("linux/");
    assertThat(image.get("virtualSize").getAsLong()).isEqualTo(TestImages.DISK_BYTES);
    assertThat(image.has("damage")).isFalse();
    JsonArray layers = image.getAsJsonArray("layers");
    assertThat(layers).hasSize(2);
    JsonObject data = layers.get(0).getAsJsonObject();
    assertThat(data.get("location").getAsString()).isEqualTo("local");
    assertThat(data.get("trace").getAsBoolean()).isFalse();
    assertThat(data.getAsJsonObject("content").get("dataBytes").getAsLong()).isEqualTo(3 << 20);
    assertThat(data.getAsJsonObject("annotations").keySet())
        .contains("containerd.io/snapshot/overlaybd/blob-digest");
    assertThat(layers.get(1).getAsJsonObject().get("trace").getAsBoolean()).isTrue();
    JsonObject trace = image.getAsJsonObject("trace");
    assertThat(trace.get("records").getAsInt()).isEqualTo(3);
    assertThat(trace.get("bytes").getAsLong()).isEqualTo(4096 + 8192 + 65_536);
    assertThat(trace.get("uniqueBytes").getAsLong()).isEqualTo(8192 + 65_536);

    assertThat(obd("inspect", name).expect(0).out())
        .contains("virtual size    8.0 MiB (8388608 bytes)")
        .contains("trace           3 records")
        .contains("local, trace");
  }

  @Test
  void layersInARegistryAreRemoteAndOpenedWithFewRequests() throws IOException {
    layout();
    try (FaultyRegistry registry = FaultyRegistry.start()) {
      registry.putLayout("app", dir.resolve("layout"));
      JsonObject image = json(obd("inspect", "--json", registry.host() + "/app:v1").expect(0));
      JsonObject data = image.getAsJsonArray("layers").get(0).getAsJsonObject();
      assertThat(data.get("location").getAsString()).isEqualTo("remote");
      assertThat(image.get("virtualSize").getAsLong()).isEqualTo(TestImages.DISK_BYTES);
      long fetched =
          registry.log().stream()
              .filter(LoggedRequest::isBlobRead)
              .mapToLong(LoggedRequest::bytesSent)
              .sum();
      assertThat(fetched).isLessThan(data.get("size").getAsLong() / 2);
    }
  }

  @Test
  void aDamagedLayerOfAnImageIsNamed() throws IOException {
    String name = layout();
    JsonObject image = json(obd("inspect", "--json", name).expect(0));
    String digest =
        image.getAsJsonArray("layers").get(0).getAsJsonObject().get("digest").getAsString();
    Path blob = dir.resolve("layout/blobs/sha256").resolve(digest.substring(7));
    byte[] bytes = Files.readAllBytes(blob);
    bytes[1536 + 600] ^= 1;
    Files.delete(blob);
    Files.write(blob, bytes);
    Cli.Result run = obd("inspect", name).expect(1);
    assertThat(run.err()).contains(digest).contains("block 0");
    assertThat(run.out()).as("what could be found out").contains(digest);
  }

  @Test
  void anImageThatIsNoneOfOursIsShownAndRefused() throws IOException {
    try (FaultyRegistry registry = FaultyRegistry.start()) {
      byte[] config =
          "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"
              .getBytes(StandardCharsets.UTF_8);
      String configDigest = registry.putBlob("tar", config);
      String layerDigest = registry.putBlob("tar", Contents.of("rand", 1, 1000));
      String manifest =
          """
          {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
           "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},
           "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%s","size":1000}]}\
          """
              .formatted(configDigest, config.length, layerDigest);
      registry.putManifest(
          "tar",
          "v1",
          "application/vnd.oci.image.manifest.v1+json",
          manifest.getBytes(StandardCharsets.UTF_8));
      Cli.Result run = obd("inspect", registry.host() + "/tar:v1").expect(1);
      assertThat(run.out()).contains(layerDigest);
      assertThat(run.err()).contains("is not an overlaybd layer");
    }
  }

  @Test
  void anImageThatIsNotThereIsAFailure() throws IOException {
    try (FaultyRegistry registry = FaultyRegistry.start()) {
      assertThat(obd("inspect", registry.host() + "/no:v1").expect(1).err())
          .contains(registry.host() + "/v2/no/manifests/v1: status 404");
    }
  }

  // ---- configurations, layers

  @Test
  void aConfigurationSaysWhatItStacks() throws IOException {
    Path vector = GoldenDisks.copy("a5-rw-over-lowers", dir);
    JsonObject config = json(obd("inspect", "--json", vector.resolve("config.v1.json")).expect(0));
    assertThat(config.get("kind").getAsString()).isEqualTo("config");
    assertThat(config.getAsJsonArray("layers")).hasSize(2);
    assertThat(config.get("virtualSize").getAsLong()).isEqualTo(16 << 20);
    JsonObject upper = config.getAsJsonObject("upper");
    assertThat(upper.get("data").getAsString()).endsWith("rw.data");
    assertThat(upper.getAsJsonObject("report").getAsJsonObject("lsmt").get("kind").getAsString())
        .isEqualTo("writable-index");
  }

  @Test
  void aFileSystemIsRecognised() {
    Path config = GoldenDisks.file("h3-mkfs-only/config.v1.json");
    assertThat(json(obd("inspect", "--json", config).expect(0)).get("fileSystem").getAsString())
        .isIn("ext4", "ext2");
  }

  static Stream<String> damaged() throws IOException {
    return ExportTest.damaged();
  }

  @ParameterizedTest
  @MethodSource("damaged")
  void aDamagedLayerEndsWithOneAndItsPlace(String id) {
    Path layer = GoldenDisks.file(id).resolve("layer.obd");
    for (String command : List.of("inspect", "layer info")) {
      Object[] words = Stream.of((command + " --verify").split(" ")).toArray();
      Object[] args = Stream.concat(Stream.of(words), Stream.of(layer)).toArray();
      assertThat(obd(args).expect(1).err())
          .containsPattern("layer\\.obd @\\d+: [a-z_A-Z0-9. ]+: \\S+");
      Object[] asJson = Stream.concat(Stream.of(args), Stream.of("--json")).toArray();
      assertThat(json(obd(asJson).expect(1)).get("damage").getAsString()).contains(" @");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw.data", "rw.index"})
  void theFilesOfAWritableLayerAreToldApart(String name) {
    JsonObject info = json(obd("layer", "info", "--json", GoldenDisks.file("a2-rw-16m/" + name)));
    JsonObject layer = info.getAsJsonObject("lsmt");
    assertThat(layer.get("kind").getAsString())
        .isEqualTo(name.equals("rw.data") ? "writable-data" : "writable-index");
    assertThat(layer.get("virtualSize").getAsLong()).isEqualTo(16 << 20);
    assertThat(layer.get("uuid").getAsString()).isEqualTo("000000a2-1111-4222-8333-0000000000a2");
  }

  @Test
  void whatIsUnusualIsWarnedOf() {
    assertThat(obd("layer", "info", GoldenDisks.file("c3-z-lz4-64k-nocrc/layer.obd")).out())
        .contains("blocks of 64 KiB")
        .contains("no checksums");
  }

  @Test
  void aTurboOciLayerIsCalledOne() {
    assertThat(obd("layer", "info", GoldenDisks.file("i1-turbooci/ext4.fs.meta")).expect(1).err())
        .contains("turboOCI");
  }

  // ---- traces

  @Test
  void theRecordsOfATraceFileAreShownInFileOrder() throws IOException {
    Path trace = GoldenDisks.file("j1-trace/trace");
    JsonArray records =
        json(obd("trace", "show", "--json", trace).expect(0)).getAsJsonArray("records");
    JsonArray wanted =
        GoldenDisks.vector("j1-trace").getAsJsonObject("trace").getAsJsonArray("records");
    assertThat(records).hasSize(22).hasSameSizeAs(wanted);
    for (int i = 0; i < records.size(); i++) {
      JsonObject ours = records.get(i).getAsJsonObject();
      JsonObject theirs = wanted.get(i).getAsJsonObject();
      assertThat(ours.get("layer")).isEqualTo(theirs.get("layer_index"));
      assertThat(ours.get("offset")).isEqualTo(theirs.get("offset"));
      assertThat(ours.get("length")).isEqualTo(theirs.get("count"));
    }
    assertThat(obd("trace", "show", trace).expect(0).out())
        .contains("    0                 0        4096\n")
        .contains("22 records");
    assertThat(obd("inspect", trace).expect(0).out()).contains("22 records");
  }

  @Test
  void theTraceOfAnImageOrConfigurationIsShownToo() throws IOException {
    JsonObject shown = json(obd("trace", "show", "--json", layout()).expect(0));
    JsonArray records = shown.getAsJsonArray("records");
    assertThat(records).hasSize(3);
    assertThat(records.get(1).getAsJsonObject().get("offset").getAsLong()).isEqualTo(4096);
    assertThat(shown.getAsJsonArray("layers")).hasSize(1);
    Path config = GoldenDisks.file("j1-trace/config.accel.json");
    assertThat(json(obd("trace", "show", "--json", config).expect(0)).getAsJsonArray("records"))
        .hasSize(22);
  }

  @Test
  void aDamagedOrMissingTraceIsAFailure() throws IOException {
    byte[] bytes = Files.readAllBytes(GoldenDisks.file("j1-trace/trace"));
    bytes[100] ^= 1;
    Path bad = Files.write(dir.resolve("trace"), bytes);
    for (String command : List.of("trace show", "inspect")) {
      Object[] words = Stream.of(command.split(" ")).toArray();
      assertThat(obd(Stream.concat(Stream.of(words), Stream.of(bad)).toArray()).expect(1).err())
          .contains(bad + " @16: checksum");
    }
    assertThat(obd("trace", "show", GoldenDisks.file("e1-stack4/config.v1.json")).expect(1).err())
        .contains("has no trace");
  }

  // ---- reading once

  @Test
  void anExportFetchesEverythingOnceAndKeepsNothing() throws IOException {
    layout();
    try (FaultyRegistry registry = FaultyRegistry.start()) {
      registry.putLayout("app", dir.resolve("layout"));
      Path out = dir.resolve("out");
      Cli.Result run =
          ObdRun.in(dir.resolve("fresh"), "export", registry.host() + "/app:v1", "-o", out);
      assertThat(run.status()).as(run.err()).isZero();
      assertThat(out).hasSameBinaryContentAs(dir.resolve("disk"));
      List<LoggedRequest> reads =
          registry.log().stream().filter(LoggedRequest::isBlobRead).toList();
      String layer =
          json(obd("inspect", "--json", "oci:" + dir.resolve("layout") + ":v1"))
              .getAsJsonArray("layers")
              .get(0)
              .getAsJsonObject()
              .get("digest")
              .getAsString();
      long size = Files.size(dir.resolve("layout/blobs/sha256").resolve(layer.substring(7)));
      long fetched =
          reads.stream()
              .filter(r -> r.path().contains(layer))
              .mapToLong(LoggedRequest::bytesSent)
              .sum();
      assertThat(fetched).isBetween(size - 4096, size + size / 8);
      try (Session session = new SessionOptions().open(new Home(dir.resolve("fresh")))) {
        assertThat(session.cache().usedBytes()).isZero();
      }
    }
  }

  @Test
  @Timeout(120)
  void aSignalDuringAnExportOverAStuckLinkLeavesNothing() throws Exception {
    layout();
    Path work = Files.createDirectory(dir.resolve("work"));
    try (FaultyRegistry registry = FaultyRegistry.start()) {
      registry.putLayout("app", dir.resolve("layout"));
      registry.fault(
          call -> call.isBlobRead() && call.range() != null && call.number() > 12,
          new Fault.Stalled(1000));
      Process process =
          ObdRun.start(
              home(),
              dir.resolve("log").toFile(),
              "export",
              registry.host() + "/app:v1",
              "-o",
              work.resolve("out"));
      try {
        while (true) {
          try (Stream<Path> files = Files.list(work)) {
            if (files.findAny().isPresent()) {
              break;
            }
          }
          assertThat(process.isAlive()).as(Files.readString(dir.resolve("log"))).isTrue();
          Thread.sleep(20);
        }
        Processes.run("kill", "-INT", Long.toString(process.pid()));
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).isEqualTo(130);
        try (Stream<Path> files = Files.list(work)) {
          assertThat(files).isEmpty();
        }
      } finally {
        Processes.kill(process);
      }
    }
  }
}
