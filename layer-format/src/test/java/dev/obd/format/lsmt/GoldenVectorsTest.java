package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.format.LayerFile;
import dev.obd.format.zfile.ZFileWriter;
import dev.obd.format.zfile.ZFileWriterOptions;
import dev.obd.io.BlockSource;
import dev.obd.io.FileSink;
import dev.obd.io.FileSource;
import dev.obd.io.FormatException;
import dev.obd.testdata.DeviceModel;
import dev.obd.testdata.Golden;
import dev.obd.testdata.Ops;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The disks that overlaybd's own tools wrote read as MANIFEST.json says. */
class GoldenVectorsTest {
  /** Without a disk (plain ZFiles), or with data in another blob. */
  private static final List<String> NO_DISK = List.of("g1-zfile");

  private static final List<String> TURBO_OCI =
      List.of("i1-turbooci", "i2-turbooci-erofs", "i3-turbooci-erofs-plain-tar");

  @TempDir private Path dir;

  private static List<JsonObject> vectors() throws IOException {
    List<JsonObject> vectors = new ArrayList<>();
    JsonParser.parseString(Files.readString(Golden.dir().resolve("MANIFEST.json")))
        .getAsJsonObject()
        .getAsJsonArray("vectors")
        .forEach(v -> vectors.add(v.getAsJsonObject()));
    return vectors;
  }

  private static JsonObject vector(String id) throws IOException {
    return vectors().stream().filter(v -> id(v).equals(id)).findFirst().orElseThrow();
  }

  private static String id(JsonObject vector) {
    return vector.get("id").getAsString();
  }

  private static boolean damaged(JsonObject vector) {
    return vector.has("reference_rc") && vector.get("reference_rc").getAsInt() != 0;
  }

  private static boolean readable(JsonObject v) {
    return !damaged(v) && !NO_DISK.contains(id(v)) && !TURBO_OCI.contains(id(v));
  }

  static Stream<String> readableVectors() throws IOException {
    return vectors().stream().filter(GoldenVectorsTest::readable).map(GoldenVectorsTest::id);
  }

  static Stream<String> damagedVectors() throws IOException {
    return vectors().stream().filter(GoldenVectorsTest::damaged).map(GoldenVectorsTest::id);
  }

  @Test
  void noVectorIsLeftOut() throws IOException {
    assertThat(vectors()).hasSize(54);
    assertThat(readableVectors().count() + damagedVectors().count())
        .isEqualTo(54 - NO_DISK.size() - TURBO_OCI.size());
    assertThat(damagedVectors()).hasSize(7);
  }

  @ParameterizedTest
  @MethodSource("readableVectors")
  void theDiskReadsAsTheManifestSays(String id) throws IOException {
    JsonObject vector = vector(id);
    try (Disk disk = open(id, "config.v1.json")) {
      if (vector.has("virtual_size")) {
        assertThat(disk.source().size()).isEqualTo(vector.get("virtual_size").getAsLong());
      }
      for (String list : List.of("probes", "real_reader")) {
        if (vector.has(list)) {
          vector.getAsJsonArray(list).forEach(p -> probe(disk.source(), p.getAsJsonObject()));
        }
      }
      String sha256 = vector.has("device_sha256") ? "device_sha256" : "good_device_sha256";
      if (vector.has(sha256)) {
        assertThat(sha256(disk.source())).isEqualTo(vector.get(sha256).getAsString());
      } else {
        assertThat(disk.source().size()).as("too large to be read whole").isEqualTo(4L << 40);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"e1-stack4", "h1-ext4"})
  void everyLowerPartOfAStackIsADiskToo(String id) throws IOException {
    for (JsonElement element : vector(id).getAsJsonArray("prefixes")) {
      JsonObject prefix = element.getAsJsonObject();
      try (Disk disk = open(id, prefix.get("config").getAsString())) {
        assertThat(sha256(disk.source()))
            .as(prefix.toString())
            .isEqualTo(prefix.get("device_sha256").getAsString());
      }
    }
  }

  @Test
  void theUncompressedMergeReadsAsTheStack() throws IOException {
    try (Disk disk = open("f1-merge", "config.raw.json")) {
      assertThat(sha256(disk.source()))
          .isEqualTo(vector("e1-stack4").get("device_sha256").getAsString());
    }
  }

  @ParameterizedTest
  @MethodSource("damagedVectors")
  void damageIsFoundAndNamed(String id) {
    assertThatThrownBy(
            () -> {
              try (Disk disk = open(id, "config.v1.json")) {
                sha256(disk.source());
              }
            })
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("layer.obd @");
  }

  @Test
  void aLayerWithoutTheSealedFlagIsRefused() {
    assertThatThrownBy(() -> open("k7-lsmt-unsealed-trailer", "config.v1.json"))
        .hasMessageContaining("@143388: flags: expected a sealed file (bit 0x4 set), got 0x2");
  }

  @Test
  void anIndexOutOfOrderIsRefused() {
    assertThatThrownBy(() -> open("k8-lsmt-index-order", "config.v1.json"))
        .hasMessageContaining(
            "@139280: segment.offset: expected at least 56 (the end of the record before), got 0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"i1-turbooci", "i2-turbooci-erofs", "i3-turbooci-erofs-plain-tar"})
  void aTurboOciLayerIsNotTakenForAPlainOne(String id) throws IOException {
    String name = id.equals("i1-turbooci") ? "ext4.fs.meta" : "erofs.fs.meta";
    try (BlockSource plain =
        LayerFile.open(FileSource.open(Golden.dir().resolve(id).resolve(name)))) {
      assertThatThrownBy(() -> SealedLayer.open(plain))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("turboOCI (warp) layer, whose data is in another blob");
    }
  }

  @Test
  void ourMergeHasTheBytesOfTheOriginals() throws IOException {
    try (Disk disk = open("e1-stack4", "config.v1.json")) {
      LayerStack stack = (LayerStack) disk.source();
      byte[] plain = LsmtFiles.bytes(out -> LayerMerger.merge(stack, CommitOptions.NONE, out));
      assertThat(plain).isEqualTo(Files.readAllBytes(Golden.dir().resolve("f1-merge/merged.lsmt")));
      Path z = dir.resolve("merged.z");
      var options = ZFileWriterOptions.DEFAULT.withOverwriteHeader(false);
      try (ZFileWriter out = ZFileWriter.open(FileSink.create(z), options)) {
        LayerMerger.merge(stack, CommitOptions.NONE, out);
        out.finish();
      }
      assertThat(Files.readAllBytes(z))
          .isEqualTo(Files.readAllBytes(Golden.dir().resolve("f1-merge/merged.z")));
    }
  }

  @Test
  void ourWritesOverLowerLayersHaveTheBytesOfTheOriginals() throws IOException {
    Path golden = Golden.dir().resolve("a5-rw-over-lowers");
    List<SealedLayer> lowers = new ArrayList<>();
    for (String name : List.of("layer0.obd", "layer1.obd")) {
      lowers.add(SealedLayer.open(LayerFile.open(FileSource.open(golden.resolve(name)))));
    }
    Path data = dir.resolve("data");
    Path index = dir.resolve("index");
    var options =
        new WritableOptions(
            0,
            java.util.UUID.fromString("00000E12-1111-4222-8333-000000000E12"),
            java.util.UUID.fromString("00000E11-1111-4222-8333-000000000E11"),
            false);
    try (var disk =
        WritableStack.open(
            WritableLayer.create(data, index, options), Optional.of(LayerStack.open(lowers)))) {
      assertThat(disk.size()).as("inherited").isEqualTo(16 << 20);
      // The file lists the lower layers' operations too; the upper's are the last nine.
      List<Ops.Op> ops = Ops.read(golden.resolve("ops.txt"));
      LsmtFiles.apply(ops.subList(ops.size() - 9, ops.size()), disk);
    }
    assertThat(Files.readAllBytes(data)).isEqualTo(Files.readAllBytes(golden.resolve("rw.data")));
    assertThat(Files.readAllBytes(index)).isEqualTo(Files.readAllBytes(golden.resolve("rw.index")));
  }

  private record Disk(BlockSource source) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      source.close();
    }
  }

  private Disk open(String id, String config) throws IOException {
    Path vector = Golden.dir().resolve(id);
    JsonObject json =
        JsonParser.parseString(Files.readString(vector.resolve(config))).getAsJsonObject();
    List<SealedLayer> lowers = new ArrayList<>();
    List<AutoCloseable> opened = new ArrayList<>();
    try {
      for (JsonElement lower : json.getAsJsonArray("lowers")) {
        BlockSource blob = FileSource.open(layerFile(vector, lower.getAsJsonObject()));
        opened.add(blob);
        lowers.add(SealedLayer.open(LayerFile.open(blob)));
      }
      Optional<LayerStack> stack =
          lowers.isEmpty() ? Optional.empty() : Optional.of(LayerStack.open(lowers));
      if (!json.has("upper")) {
        return new Disk(stack.orElseThrow());
      }
      // Opening a writable layer may repair it, so it is a copy that is opened.
      Path data = Files.copy(vector.resolve("rw.data"), dir.resolve("rw.data"));
      Path index = Files.copy(vector.resolve("rw.index"), dir.resolve("rw.index"));
      for (Path copy : List.of(data, index)) {
        assertThat(copy.toFile().setWritable(true)).isTrue();
      }
      WritableLayer upper = WritableLayer.open(data, index);
      assertThat(upper.warnings()).isEmpty();
      return new Disk(WritableStack.open(upper, stack));
    } catch (IOException e) {
      for (AutoCloseable one : opened) {
        try {
          one.close();
        } catch (Exception again) {
          e.addSuppressed(again);
        }
      }
      throw e;
    }
  }

  private static Path layerFile(Path vector, JsonObject lower) {
    if (lower.has("file")) {
      return vector.resolve(lower.get("file").getAsString());
    }
    Path layer = vector.resolve(lower.get("dir").getAsString());
    return Stream.of("overlaybd.commit", ".commit", "overlaybd.sealed")
        .map(layer::resolve)
        .filter(Files::exists)
        .findFirst()
        .orElseThrow();
  }

  private static void probe(BlockSource disk, JsonObject probe) {
    long offset = probe.get("offset").getAsLong();
    int length = probe.get("length").getAsInt();
    try {
      assertThat(DeviceModel.sha256(LsmtFiles.read(disk, offset, length)))
          .as(probe.toString())
          .isEqualTo(probe.get("sha256").getAsString());
    } catch (IOException e) {
      throw new AssertionError(probe.toString(), e);
    }
  }

  private static String sha256(BlockSource disk) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
      for (long at = 0; at < disk.size(); at += buffer.limit()) {
        buffer.clear().limit((int) Math.min(buffer.capacity(), disk.size() - at));
        disk.read(at, buffer);
        digest.update(buffer.flip());
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
