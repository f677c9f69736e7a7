package dev.obd.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.format.tar.TarLayerWriter;
import dev.obd.format.tar.TarOffset;
import dev.obd.format.zfile.Algorithm;
import dev.obd.format.zfile.ZFile;
import dev.obd.format.zfile.ZFileHeader;
import dev.obd.format.zfile.ZFileWriter;
import dev.obd.format.zfile.ZFileWriterOptions;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ByteSink;
import dev.obd.io.FileSource;
import dev.obd.io.FormatException;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Golden;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Layer blobs that overlaybd's own tools wrote. */
class GoldenLayersTest {
  private static final int UUID_AT = 56;
  private static final int UUID_BYTES = 37;

  private static byte[] plain(String file) throws IOException {
    try (BlockSource source = LayerFile.open(FileSource.open(Golden.dir().resolve(file)))) {
      return BlockSources.readFully(source, 0, Math.toIntExact(source.size())).array();
    }
  }

  /** An LSMT file without the UUID in its header and trailer, which each vector has its own of. */
  private static byte[] withoutUuids(byte[] lsmt) {
    for (int base : new int[] {0, lsmt.length - 4096}) {
      java.util.Arrays.fill(lsmt, base + UUID_AT, base + UUID_AT + UUID_BYTES, (byte) 0);
    }
    return lsmt;
  }

  private static JsonObject manifest() throws IOException {
    return JsonParser.parseString(Files.readString(Golden.dir().resolve("MANIFEST.json")))
        .getAsJsonObject();
  }

  private static JsonObject vector(String id) throws IOException {
    for (var vector : manifest().getAsJsonArray("vectors")) {
      if (vector.getAsJsonObject().get("id").getAsString().equals(id)) {
        return vector.getAsJsonObject();
      }
    }
    throw new AssertionError(id + " is not in the manifest");
  }

  /** Every file of which the manifest says that it is, or wraps, a ZFile. */
  static Stream<String> zfiles() throws IOException {
    var files = new ArrayList<String>();
    for (var vector : manifest().getAsJsonArray("vectors")) {
      JsonObject v = vector.getAsJsonObject();
      for (var file : v.getAsJsonArray("files")) {
        JsonObject f = file.getAsJsonObject();
        if (f.has("format") && f.get("format").toString().contains("\"zfile\"")) {
          files.add(v.get("dir").getAsString() + "/" + f.get("name").getAsString());
        }
      }
    }
    assertThat(files).hasSizeGreaterThan(40);
    return files.stream();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "c1-z-lz4-4k",
        "c1-z-lz4-8k",
        "c1-z-lz4-16k",
        "c1-z-lz4-32k",
        "c1-z-lz4-64k",
        "c1-z-zstd-4k",
        "c1-z-zstd-16k",
        "c1-z-zstd-64k",
        "c2-z-lz4-4k-mt",
        "c3-z-lz4-4k-nocrc",
        "c3-z-lz4-64k-nocrc",
        "c3-z-zstd-4k-nocrc",
        "c3-z-zstd-64k-nocrc",
        "c4-z-lz4-4k-trailer-only",
        "d1-tar-z-lz4",
        "d2-tar-z-zstd64",
        "d4-tar-raw-lsmt",
        "k5-bad-trailer-digest"
      })
  void everyEncodingOfOneDiskHoldsTheSameLayer(String vector) throws IOException {
    byte[] bare = Files.readAllBytes(Golden.dir().resolve("d3-tar-without-z/layer.obd"));
    assertThat(withoutUuids(plain(vector + "/layer.obd"))).isEqualTo(withoutUuids(bare));
  }

  @Test
  void theCompressedMergeHoldsTheUncompressedOne() throws IOException {
    assertThat(plain("f1-merge/merged.z"))
        .isEqualTo(Files.readAllBytes(Golden.dir().resolve("f1-merge/merged.lsmt")));
  }

  @Test
  void aBareLayerIsOpenedAsItIs() throws IOException {
    BlockSource blob = FileSource.open(Golden.dir().resolve("d3-tar-without-z/layer.obd"));
    try (BlockSource opened = LayerFile.open(blob)) {
      assertThat(opened).isSameAs(blob);
      assertThat(LayerFile.inspect(blob).tar().variant()).isEqualTo(TarOffset.Variant.NONE);
      assertThat(LayerFile.inspect(blob).zfile()).isEmpty();
    }
  }

  static Stream<String> arbitraryFiles() throws IOException {
    List<String> files = new ArrayList<>();
    vector("g1-zfile").getAsJsonArray("contents").forEach(c -> files.add(c.toString()));
    assertThat(files).hasSize(18);
    return files.stream();
  }

  @ParameterizedTest
  @MethodSource("arbitraryFiles")
  void arbitraryFilesReadBackAlsoWhereTheOriginalCannot(String json) throws IOException {
    JsonObject content = JsonParser.parseString(json).getAsJsonObject();
    byte[] expected =
        Contents.of(
            content.get("kind").getAsString(),
            content.get("seed").getAsLong(),
            content.get("length").getAsInt());
    assertThat(plain("g1-zfile/" + content.get("file").getAsString())).isEqualTo(expected);
  }

  /**
   * Reads a ZFile of the original and writes its content with the same options. The native LZ4
   * makes the same bytes as the original's, so that the whole file is the same; Zstandard's output
   * changed between the releases, so there the fields and the content are compared.
   */
  @ParameterizedTest
  @MethodSource("zfiles")
  void ourWriterMakesTheSameFile(String file) throws IOException {
    Path path = Golden.dir().resolve(file);
    byte[] original = Files.readAllBytes(path);
    BlockSource blob = BlockSources.ofBytes(file, ByteBuffer.wrap(original));
    LayerFile.Kind kind = LayerFile.inspect(blob);
    ZFile.Records records = kind.zfile().orElseThrow();
    ZFileHeader used = records.used();
    var algorithm = Algorithm.ofCode(used.algorithmCode()).orElseThrow();
    var options =
        new ZFileWriterOptions(
            algorithm,
            used.blockBytes(),
            used.verify(),
            records.header().isOverwritten(),
            1,
            Runnable::run,
            true);
    byte[] content = plain(file);
    MemorySink sink = MemorySink.likeAFile();
    boolean tar = kind.tar().variant() == TarOffset.Variant.PAX;
    ByteSink target = tar ? TarLayerWriter.open(sink) : sink;
    try (ZFileWriter writer = ZFileWriter.open(target, options)) {
      writer.write(ByteBuffer.wrap(content));
      writer.finish();
    }
    if (algorithm == Algorithm.LZ4) {
      assertThat(sink.bytes()).isEqualTo(original);
      return;
    }
    LayerFile.Kind ours = LayerFile.inspect(sink.source());
    assertThat(ours.tar().variant()).isEqualTo(kind.tar().variant());
    ZFile.Records written = ours.zfile().orElseThrow();
    assertThat(written.header().flags()).isEqualTo(records.header().flags());
    assertThat(written.used())
        .usingRecursiveComparison()
        .ignoringFields("digest", "indexOffset", "indexCrc")
        .isEqualTo(used);
    BlockSource back = LayerFile.open(sink.source());
    assertThat(BlockSources.readFully(back, 0, content.length).array()).isEqualTo(content);
    assertThat(sink.position())
        .as("size, within one percent")
        .isBetween(original.length * 99L / 100, original.length * 101L / 100);
  }

  @Test
  void wrappersAreReportedWithPlaceAndSize() throws IOException {
    try (BlockSource blob = FileSource.open(Golden.dir().resolve("d1-tar-z-lz4/layer.obd"))) {
      LayerFile.Kind kind = LayerFile.inspect(blob);
      assertThat(kind.tar()).isEqualTo(new TarOffset.Layout(TarOffset.Variant.PAX, 1536, 76183));
      assertThat(kind.zfile().orElseThrow().used().indexOffset()).isEqualTo(75527);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "k3-bad-jump-table, index_crc",
    "k4-bad-header-digest, digest",
    "k6-truncated, index_offset"
  })
  void damagedMetadataIsRefusedWhenOpening(String vector, String field) throws IOException {
    try (BlockSource blob = FileSource.open(Golden.dir().resolve(vector + "/layer.obd"))) {
      assertThatThrownBy(() -> LayerFile.open(blob))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("layer.obd @")
          .hasMessageContaining(field);
    }
  }

  @ParameterizedTest
  @CsvSource({"k1-bad-block, 0", "k2-bad-block-crc, 1"})
  void aDamagedBlockIsNamedAndTheOthersRead(String vector, long damaged) throws IOException {
    byte[] good = plain("c1-z-zstd-64k/layer.obd");
    try (BlockSource source =
        LayerFile.open(FileSource.open(Golden.dir().resolve(vector + "/layer.obd")))) {
      for (int block = 0; block < 3; block++) {
        int from = block * 65536;
        ByteBuffer dst = ByteBuffer.allocate(Math.min(65536, good.length - from));
        if (block == damaged) {
          assertThatThrownBy(() -> source.read(from, dst))
              .isInstanceOf(FormatException.class)
              .hasMessageContaining("block " + damaged + ": checksum");
        } else {
          source.read(from, dst);
          assertThat(dst.flip()).isEqualTo(ByteBuffer.wrap(good, from, dst.limit()));
        }
      }
    }
  }

  @Test
  void theFirstBytesTellThatADamagedMagicIsNoZFile() throws IOException {
    byte[] file = Files.readAllBytes(Golden.dir().resolve("c1-z-lz4-4k/layer.obd"));
    file[0] = 'z';
    BlockSource blob = BlockSources.ofBytes("blob", ByteBuffer.wrap(file));
    assertThat(LayerFile.open(blob)).isSameAs(blob);
    assertThat(new String(file, 1, 4, StandardCharsets.US_ASCII)).isEqualTo("File");
  }
}
