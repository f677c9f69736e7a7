package dev.obd.format.tar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.format.MemorySink;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSink;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Golden;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TarLayerWriterTest {
  private static byte[] write(byte[] payload) throws IOException {
    MemorySink sink = MemorySink.likeAFile();
    try (TarLayerWriter writer = TarLayerWriter.open(sink)) {
      writer.write(ByteBuffer.wrap(payload));
      writer.finish();
    }
    return sink.bytes();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "d1-tar-z-lz4/layer.obd",
        "d2-tar-z-zstd64/layer.obd",
        "d4-tar-raw-lsmt/layer.obd",
        "g1-zfile/arb.lz4.4k.tar"
      })
  void anOriginalWrapperIsMadeAgainByteForByte(String file) throws IOException {
    byte[] original = Files.readAllBytes(Golden.dir().resolve(file));
    BlockSource blob = BlockSources.ofBytes(file, ByteBuffer.wrap(original));
    BlockSource payload = TarOffset.unwrap(blob);
    assertThat(payload).isNotSameAs(blob);
    byte[] content = BlockSources.readFully(payload, 0, (int) payload.size()).array();
    assertThat(write(content)).isEqualTo(original);

    MemorySink upload = MemorySink.likeAnUpload();
    try (TarLayerWriter writer = TarLayerWriter.open(upload, content.length)) {
      writer.write(ByteBuffer.wrap(content));
      writer.finish();
    }
    assertThat(upload.bytes()).isEqualTo(original);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#manySeeds")
  void whatWasWrappedUnwraps(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] payload = Contents.of("rand", seed, random.nextInt(1, 20_000));
    byte[] tar = write(payload);
    assertThat(tar.length % 512).isZero();
    assertThat(tar.length).isEqualTo((1536 + payload.length + 511) / 512 * 512 + 1024);
    BlockSource back = TarOffset.unwrap(BlockSources.ofBytes("tar", ByteBuffer.wrap(tar)));
    assertThat(BlockSources.readFully(back, 0, (int) back.size()).array()).isEqualTo(payload);
  }

  @Test
  void positionsAndPatchesAreThePayloads() throws IOException {
    MemorySink sink = MemorySink.likeAFile();
    sink.write(ByteBuffer.wrap(new byte[7]));
    TarLayerWriter writer = TarLayerWriter.open(sink);
    assertThat(writer.position()).isZero();
    writer.write(ByteBuffer.wrap("hello".getBytes(StandardCharsets.US_ASCII)));
    assertThat(writer.position()).isEqualTo(5);
    writer.patch(1, ByteBuffer.wrap("ipp".getBytes(StandardCharsets.US_ASCII)));
    assertThat(sink.bytes()).endsWith("hippo".getBytes(StandardCharsets.US_ASCII));
    assertThatThrownBy(() -> writer.patch(-1, ByteBuffer.allocate(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> writer.patch(5, ByteBuffer.allocate(1)))
        .isInstanceOf(IllegalArgumentException.class);
    writer.finish();
    assertThatThrownBy(writer::finish).isInstanceOf(IllegalStateException.class);
    assertThat(sink.finished()).isTrue();
  }

  @Test
  void untilFinishedItIsNoTar() throws IOException {
    MemorySink sink = MemorySink.likeAFile();
    TarLayerWriter writer = TarLayerWriter.open(sink);
    writer.write(ByteBuffer.allocate(512));
    assertThat(TarOffset.detect(sink.source()).variant()).isEqualTo(TarOffset.Variant.NONE);
    assertThat(new String(sink.bytes(), 257, 8, StandardCharsets.US_ASCII)).isEqualTo("xxtar\0xx");
    assertThat(new String(sink.bytes(), 1024, 13, StandardCharsets.US_ASCII))
        .isEqualTo("overlaybd.new");
    writer.close();
    assertThat(sink.finished()).isFalse();
    assertThat(sink.closed()).isTrue();
  }

  @Test
  void anUploadNeedsTheSizeBeforehand() throws IOException {
    assertThatThrownBy(() -> TarLayerWriter.open(MemorySink.likeAnUpload()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("size must be given beforehand");
    assertThatThrownBy(() -> TarLayerWriter.open(MemorySink.likeAnUpload(), -1))
        .isInstanceOf(IllegalArgumentException.class);
    TarLayerWriter writer = TarLayerWriter.open(MemorySink.likeAnUpload(), 10);
    writer.write(ByteBuffer.allocate(9));
    assertThat(writer.patchable()).isFalse();
    assertThatThrownBy(writer::finish)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("10 bytes declared, 9 written");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tar", "bsdtar"})
  void otherTarsListAndExtractIt(String program, @TempDir Path dir)
      throws IOException, InterruptedException {
    Tools.requireOnPath(program);
    byte[] payload = Contents.of("text", 8, 7_777);
    Path file = dir.resolve("layer.tar");
    try (TarLayerWriter writer = TarLayerWriter.open(FileSink.create(file))) {
      writer.write(ByteBuffer.wrap(payload));
      writer.finish();
    }
    String listing = run(dir, program, "-tvf", "layer.tar");
    assertThat(listing).contains("-rw-r--r--").contains("7777").contains("overlaybd.commit");
    run(dir, program, "-xf", "layer.tar");
    assertThat(dir.resolve("overlaybd.commit")).hasBinaryContent(payload);

    byte[] wrapped = TarMember.wrap("trace", 0444, payload);
    Files.write(dir.resolve("trace.tar"), wrapped);
    assertThat(run(dir, program, "-tvf", "trace.tar"))
        .contains("-r--r--r--")
        .contains("7777")
        .contains("trace");
    run(dir, program, "-xf", "trace.tar");
    assertThat(dir.resolve("trace")).hasBinaryContent(payload);
  }

  static String run(Path dir, String... command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).directory(dir.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s: %s", Arrays.toString(command), output).isZero();
    return output;
  }
}
