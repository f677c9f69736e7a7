package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.backstore.build.LayerTools;
import dev.obd.backstore.build.OutputOptions;
import dev.obd.format.lsmt.CommitOptions;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.format.lsmt.WritableStack;
import dev.obd.format.zfile.Algorithm;
import dev.obd.format.zfile.ZFileWriterOptions;
import dev.obd.io.PendingFile.Existing;
import dev.obd.registry.Progress;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Ops;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands, given what overlaybd's tools were given, write the same files. */
class LayerGoldenTest {
  @TempDir private Path dir;

  private Path data;
  private Path index;
  private Path out;

  private Cli.Result obd(Object... args) {
    return ObdRun.in(dir.resolve("home"), args).expect(0);
  }

  /** The writable layer that most vectors were made of. */
  private void a2() throws IOException {
    Path vector = GoldenDisks.copy("a2-rw-16m", dir);
    data = vector.resolve("rw.data");
    index = vector.resolve("rw.index");
    out = dir.resolve("out.obd");
  }

  /** A new writable layer with the operations of a vector. */
  private void replay(String vector, Object... create) throws IOException {
    data = dir.resolve("data");
    index = dir.resolve("index");
    out = dir.resolve("out.obd");
    Object[] command = {"layer", "create", data, index};
    obd(Stream.concat(Stream.of(command), Stream.of(create)).toArray());
    try (var disk = WritableStack.open(WritableLayer.open(data, index), Optional.empty())) {
      for (Ops.Op op : Ops.read(GoldenDisks.file(vector).resolve("ops.txt"))) {
        switch (op) {
          case Ops.Write write -> disk.write(write.offset(), ByteBuffer.wrap(write.content()));
          case Ops.Trim trim -> disk.discard(trim.offset(), trim.length());
          case Ops.Sync _ -> disk.flush();
          case Ops.Group _ -> {}
        }
      }
    }
  }

  private void commit(Object... options) {
    Object[] command = {"layer", "commit", data, index, out};
    obd(Stream.concat(Stream.of(command), Stream.of(options)).toArray());
  }

  private JsonObject info(Path file) {
    return JsonParser.parseString(obd("layer", "info", "--json", "--verify", file).out())
        .getAsJsonObject();
  }

  /** The id in a golden file, so that ours gets the same. */
  private String uuid(Path golden) {
    return info(golden).getAsJsonObject("lsmt").get("uuid").getAsString();
  }

  private static void assertSame(Path ours, String golden) throws IOException {
    assertThat(Files.readAllBytes(ours)).isEqualTo(Files.readAllBytes(GoldenDisks.file(golden)));
  }

  /** What another version of the compressor may change: sizes, and what depends on them. */
  private JsonObject withoutSizes(Path file) {
    JsonObject info = info(file);
    info.remove("name");
    info.remove("fileBytes");
    info.getAsJsonObject("tar").remove("payloadBytes");
    info.getAsJsonObject("zfile").remove("indexOffset");
    info.getAsJsonObject("zfile").remove("indexCrc");
    return info;
  }

  private byte[] content(Path zfile) throws IOException {
    Path plain = dir.resolve("plain");
    obd("layer", "zfile", "--extract", "-f", zfile, plain);
    return Files.readAllBytes(plain);
  }

  private void assertSameButForTheCompressor(Path ours, String golden) throws IOException {
    Path theirs = GoldenDisks.file(golden);
    assertThat(withoutSizes(ours)).isEqualTo(withoutSizes(theirs));
    assertThat(content(ours)).isEqualTo(content(theirs));
  }

  private void assertReads(Path layer, String vector) throws IOException {
    Path raw = dir.resolve("disk.raw");
    obd("export", layer, "-o", raw);
    assertThat(GoldenDisks.sha256(raw)).isEqualTo(GoldenDisks.disk(vector));
  }

  // ---- create and seal

  @Test
  void aNewWritableLayer() throws IOException {
    replay("a2-rw-16m", "--size", "16M", "--uuid", "000000a2-1111-4222-8333-0000000000a2");
    assertSame(data, "a2-rw-16m/rw.data");
    assertSame(index, "a2-rw-16m/rw.index");
  }

  @Test
  void aNewSparseLayer() throws IOException {
    replay(
        "a4-rw-sparse",
        "--sparse",
        "--size",
        "256K",
        "--uuid",
        "000000a4-1111-4222-8333-0000000000a4");
    assertSame(data, "a4-rw-sparse/rw.data");
    assertThat(index).isEmptyFile();
    commit();
    assertSame(out, "b9-commit-sparse/layer.obd");
    obd("layer", "seal", data, index);
    assertSealed("b10-sealed-sparse");
  }

  @Test
  void aSealedLayer() throws IOException {
    a2();
    obd("layer", "seal", data, index);
    assertSealed("b1-sealed");
  }

  /** The original leaves whatever was in memory behind the index; here there are zeros. */
  private void assertSealed(String vector) throws IOException {
    byte[] theirs = Files.readAllBytes(GoldenDisks.file(vector).resolve("overlaybd.sealed"));
    JsonObject trailer = info(data).getAsJsonObject("lsmt").getAsJsonObject("trailer");
    long end = trailer.get("indexOffset").getAsLong() + 16 * trailer.get("indexCount").getAsLong();
    Arrays.fill(theirs, (int) end, theirs.length - 4096, (byte) 0);
    assertThat(Files.readAllBytes(data)).isEqualTo(theirs);
    assertReads(data, vector);
  }

  // ---- commit

  @Test
  void aPlainCommit() throws IOException {
    a2();
    byte[] before = Files.readAllBytes(data);
    commit();
    assertSame(out, "b2-commit-plain/layer.obd");
    assertReads(out, "b2-commit-plain");
    assertThat(Files.readAllBytes(data)).isEqualTo(before);
    assertSame(index, "a2-rw-16m/rw.index");
  }

  @Test
  void aCommitWithIdsAndText() throws IOException {
    a2();
    commit(
        "--uuid",
        "000000b3-1111-4222-8333-0000000000b3",
        "-p",
        "000000b2-1111-4222-8333-0000000000b2",
        "-m",
        "hello overlaybd: commit message é 0123456789");
    assertSame(out, "b3-commit-uuid-msg/layer.obd");
  }

  @Test
  void aCommitWithTheLongestText() throws IOException {
    a2();
    commit("-m", "m".repeat(256));
    assertSame(out, "b4-commit-msg256/layer.obd");
  }

  @Test
  void aCommitOfASealedLayer() throws IOException {
    out = dir.resolve("out.obd");
    obd(
        "layer",
        "commit",
        "--sealed",
        "--uuid",
        uuid(GoldenDisks.file("b5-commit-of-sealed/layer.obd")),
        GoldenDisks.file("b1-sealed/overlaybd.sealed"),
        out);
    assertSame(out, "b5-commit-of-sealed/layer.obd");
  }

  @Test
  void aCommitOfACommittedLayerChangesNothing() throws IOException {
    out = dir.resolve("out.obd");
    obd("layer", "commit", "--sealed", GoldenDisks.file("b2-commit-plain/layer.obd"), out);
    assertSame(out, "b2-commit-plain/layer.obd");
  }

  @Test
  void aCommitOfNothing() throws IOException {
    data = dir.resolve("data");
    index = dir.resolve("index");
    out = dir.resolve("out.obd");
    obd("layer", "create", "--size", "16M", data, index);
    commit();
    assertSame(out, "b6-commit-empty/layer.obd");
  }

  @Test
  void aCommitWhoseIndexFillsItsPage() throws IOException {
    replay("b7-commit-256-entries", "--size", "16M");
    commit();
    assertSame(out, "b7-commit-256-entries/layer.obd");
  }

  @Test
  void longRuns() throws IOException {
    replay("b8-long-runs", "--size", "16M");
    commit("-z");
    assertSame(out, "b8-long-runs/layer.obd");
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8, 16, 32, 64})
  void aCommitCompressedWithLz4(int kib) throws IOException {
    a2();
    String golden = "c1-z-lz4-" + kib + "k/layer.obd";
    commit("-z", "--block-size", kib + "K", "--uuid", uuid(GoldenDisks.file(golden)));
    assertSame(out, golden);
    assertReads(out, "a2-rw-16m");
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 16, 64})
  void aCommitCompressedWithZstd(int kib) throws IOException {
    a2();
    String golden = "c1-z-zstd-" + kib + "k/layer.obd";
    String id = uuid(GoldenDisks.file(golden));
    commit("-z", "--algorithm", "zstd", "--block-size", kib + "K", "--uuid", id);
    assertSameButForTheCompressor(out, golden);
    assertReads(out, "a2-rw-16m");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7})
  void threadsDoNotShow(int threads) throws IOException {
    a2();
    String golden = "c2-z-lz4-4k-mt/layer.obd";
    commit("-z", "--threads", threads, "--uuid", uuid(GoldenDisks.file(golden)));
    assertSame(out, golden);
  }

  /** The original has no option for these: they were made with its library, and so are ours. */
  @ParameterizedTest
  @CsvSource({"LZ4,4", "LZ4,64", "ZSTD,4", "ZSTD,64"})
  void aCommitWithoutChecksums(Algorithm algorithm, int kib) throws IOException {
    a2();
    String name = algorithm == Algorithm.LZ4 ? "lz4" : "zstd";
    String golden = "c3-z-" + name + "-" + kib + "k-nocrc/layer.obd";
    ZFileWriterOptions options =
        ZFileWriterOptions.DEFAULT.withAlgorithm(algorithm).withVerify(false);
    options = kib == 64 ? options.with64KiBBlocks() : options;
    LayerTools.commit(
        data,
        index,
        out,
        CommitOptions.NONE.withUuid(UUID.fromString(uuid(GoldenDisks.file(golden)))),
        new OutputOptions(Optional.of(options.withOverwriteHeader(true)), false, Existing.KEEP),
        Progress.NONE);
    if (algorithm == Algorithm.LZ4) {
      assertSame(out, golden);
    } else {
      assertSameButForTheCompressor(out, golden);
    }
    assertThat(obd("layer", "zfile", "--verify", out).err()).contains("no checksums");
  }

  @Test
  void aCompressedFileWhoseHeaderIsNotOverwritten() throws IOException {
    a2();
    String golden = "c4-z-lz4-4k-trailer-only/layer.obd";
    commit("--uuid", uuid(GoldenDisks.file(golden)));
    Path z = dir.resolve("z");
    obd("layer", "zfile", out, z);
    assertSame(z, golden);
  }

  @Test
  void aCommitInATar() throws IOException {
    a2();
    commit("-z", "-t", "--uuid", uuid(GoldenDisks.file("d1-tar-z-lz4/layer.obd")));
    assertSame(out, "d1-tar-z-lz4/layer.obd");
  }

  @Test
  void aZstdCommitInATar() throws IOException {
    a2();
    String golden = "d2-tar-z-zstd64/layer.obd";
    String id = uuid(GoldenDisks.file(golden));
    commit("-z", "-t", "--algorithm", "zstd", "--block-size", "64K", "--uuid", id);
    assertSameButForTheCompressor(out, golden);
    assertReads(out, "a2-rw-16m");
  }

  /** The original takes -t without -z and forgets it; here it does what it says. */
  @Test
  void aPlainCommitInATar() throws IOException {
    a2();
    commit("-t", "--uuid", uuid(GoldenDisks.file("d4-tar-raw-lsmt/layer.obd")));
    assertSame(out, "d4-tar-raw-lsmt/layer.obd");
    commit("-f", "--uuid", uuid(GoldenDisks.file("d3-tar-without-z/layer.obd")));
    assertSame(out, "d3-tar-without-z/layer.obd");
  }

  // ---- merge

  @Test
  void aFlattenedStack() throws IOException {
    Path config = GoldenDisks.file("e1-stack4/config.v1.json");
    out = dir.resolve("flat");
    obd("layer", "merge", config, out);
    assertSame(out, "f1-merge/merged.lsmt");
    obd("layer", "merge", "-z", "-f", "--threads", 3, config, out);
    assertSame(out, "f1-merge/merged.z");
    assertReads(out, "e1-stack4");
    Object[] layers = new Object[4];
    Arrays.setAll(layers, i -> GoldenDisks.file("e1-stack4/layer" + i + ".obd"));
    obd("layer", "merge", "-f", layers[0], layers[1], layers[2], layers[3], out);
    assertSame(out, "f1-merge/merged.lsmt");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a5-rw-over-lowers", "e2-stack-dirs", "e3-vsize-grow", "e4-vsize-shrink"})
  void aFlattenedStackReadsTheSame(String id) throws IOException {
    Path config = GoldenDisks.copy(id, dir).resolve("config.v1.json");
    out = dir.resolve("flat");
    obd("layer", "merge", "-z", "-t", config, out);
    assertReads(out, id);
  }

  // ---- zfile

  static Stream<JsonElement> contents() throws IOException {
    return GoldenDisks.vector("g1-zfile").getAsJsonArray("contents").asList().stream();
  }

  @ParameterizedTest
  @MethodSource("contents")
  void aFileCompressedAndBack(JsonElement element) throws IOException {
    JsonObject golden = element.getAsJsonObject();
    String name = golden.get("file").getAsString();
    Path theirs = GoldenDisks.file("g1-zfile").resolve(name);
    Path plain = dir.resolve("plain");
    obd("layer", "zfile", "--extract", theirs, plain);
    assertThat(GoldenDisks.sha256(plain)).isEqualTo(golden.get("sha256").getAsString());
    obd("layer", "zfile", "--verify", theirs);

    byte[] content =
        Contents.of(
            golden.get("kind").getAsString(),
            golden.get("seed").getAsLong(),
            golden.get("length").getAsInt());
    assertThat(Files.readAllBytes(plain)).isEqualTo(content);
    boolean zstd = name.contains("zstd");
    ZFileWriterOptions options =
        ZFileWriterOptions.DEFAULT
            .withAlgorithm(zstd ? Algorithm.ZSTD : Algorithm.LZ4)
            .withVerify(!name.contains("nocrc"));
    options = name.contains("64k") ? options.with64KiBBlocks() : options;
    Path ours = dir.resolve("ours");
    if (name.contains("nocrc")) {
      LayerTools.write(
          plain,
          ours,
          new OutputOptions(Optional.of(options), false, Existing.KEEP),
          Progress.NONE);
    } else {
      obd(
          "layer",
          "zfile",
          "--algorithm",
          zstd ? "zstd" : "lz4",
          "--block-size",
          name.contains("64k") ? "64K" : "4K",
          name.endsWith(".tar") ? "--tar" : "--threads=2",
          plain,
          ours);
    }
    if (zstd) {
      assertSameButForTheCompressor(ours, "g1-zfile/" + name);
    } else {
      assertSame(ours, "g1-zfile/" + name);
    }
  }

  @Test
  void allOfTheirLayersAreSound() throws IOException {
    for (String kind : List.of("b", "c", "d")) {
      for (JsonObject vector : GoldenDisks.all()) {
        String id = GoldenDisks.id(vector);
        Path layer = GoldenDisks.file(id).resolve("layer.obd");
        if (id.startsWith(kind) && Files.exists(layer)) {
          JsonObject info = info(layer);
          assertThat(info.get("verified").getAsBoolean()).as(id).isTrue();
          assertThat(info.getAsJsonObject("lsmt").get("virtualSize").getAsLong())
              .as(id)
              .isEqualTo(vector.get("virtual_size").getAsLong());
        }
      }
    }
  }
}
