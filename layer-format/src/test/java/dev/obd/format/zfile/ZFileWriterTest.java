package dev.obd.format.zfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.format.MemorySink;
import dev.obd.io.ByteSink;
import dev.obd.testdata.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ZFileWriterTest {
  private static final byte[] HELLO =
      "hello world, hello world".getBytes(StandardCharsets.US_ASCII);

  /** Hexadecimal without blanks, then zeros up to {@code bytes}. */
  private static String padded(String hex, int bytes) {
    String digits = hex.replaceAll("\\s", "");
    return digits + "0".repeat(2 * bytes - digits.length());
  }

  private static String hex(byte[] bytes, int from, int to) {
    return HexFormat.of().withUpperCase().formatHex(bytes, from, to);
  }

  @Test
  void theWorkedExampleOfTheFormatIsWrittenByteForByte() throws IOException {
    byte[] file = ZFiles.write(HELLO, ZFileWriterOptions.DEFAULT.withOverwriteHeader(true));
    String magic = "5A46696C65000100 74756A692E797966 40416C6962616261 60000000";
    String fields =
        "1E02000000000000 0100000000000000 1800000000000000"
            + " A9C065DB 00000000 00100000 01 00 00 00 00000000 00000000 01";
    assertThat(hex(file, 0, 512))
        .isEqualTo(padded(magic + "E68C6FEC 1B00000000000000" + fields, 512));
    assertThat(hex(file, 512, 542)).isEqualTo("F009" + hex(HELLO, 0, HELLO.length) + "FDA7CD55");
    assertThat(hex(file, 542, 546)).isEqualTo("1E000000");
    assertThat(hex(file, 546, 1058))
        .isEqualTo(padded(magic + "C259AF1C 1600000000000000" + fields, 512));
    assertThat(file).hasSize(1058);
  }

  @Test
  void withoutOverwritingTheHeaderHasNoIndexFields() throws IOException {
    byte[] file = ZFiles.write(HELLO, ZFileWriterOptions.DEFAULT);
    assertThat(hex(file, 28, 40)).isEqualTo("FC12A2C7" + "1300000000000000");
    assertThat(hex(file, 40, 72)).isEqualTo("0".repeat(64));
    assertThat(hex(file, 546 + 28, 546 + 40)).isEqualTo("C259AF1C" + "1600000000000000");
  }

  @Test
  void nothingBecomesTwoRecords() throws IOException {
    byte[] file = ZFiles.write(new byte[0], ZFileWriterOptions.DEFAULT.withOverwriteHeader(true));
    assertThat(file).hasSize(1024);
    assertThat(hex(file, 28, 40)).isEqualTo("9B400875" + "1B00000000000000");
    assertThat(hex(file, 512 + 28, 512 + 40)).isEqualTo("BF95C885" + "1600000000000000");
    ZFileHeader trailer = ZFile.inspect(ZFiles.source(file)).orElseThrow().used();
    assertThat(trailer.indexOffset()).isEqualTo(512);
    assertThat(trailer.indexCount()).isZero();
    assertThat(trailer.indexCrc()).isZero();
    assertThat(ZFile.open(ZFiles.source(file)).size()).isZero();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void howContentIsCutIntoWritesAndHowManyWorkersThereAreDoesNotShow(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] content = Contents.of("mix", seed, random.nextInt(3_000_000));
    ZFileWriterOptions options =
        ZFileWriterOptions.DEFAULT
            .withAlgorithm(random.nextBoolean() ? Algorithm.LZ4 : Algorithm.ZSTD)
            .withBlockBytes(4096 << random.nextInt(4));
    byte[] alone = ZFiles.write(content, options);
    try (var pool = Executors.newFixedThreadPool(3)) {
      for (int workers : new int[] {2, 3, 8}) {
        MemorySink sink = MemorySink.likeAnUpload();
        try (ZFileWriter writer = ZFileWriter.open(sink, options.withWorkers(workers, pool))) {
          for (int at = 0; at < content.length; ) {
            int n = Math.min(content.length - at, random.nextInt(1, 200_000));
            ByteBuffer src = ByteBuffer.wrap(content, at, n);
            writer.write(random.nextBoolean() ? src : ByteBuffer.allocateDirect(n).put(src).flip());
            at += n;
            assertThat(writer.position()).isEqualTo(at);
          }
          writer.finish();
        }
        assertThat(sink.bytes()).as("%d workers", workers).isEqualTo(alone);
      }
    }
  }

  @Test
  void anExecutorThatNeverRunsAnythingDelaysNobody() throws IOException {
    byte[] content = Contents.of("mix", 9, 2_000_000);
    Executor busy = task -> {};
    assertThat(ZFiles.write(content, ZFileWriterOptions.DEFAULT.withWorkers(4, busy)))
        .isEqualTo(ZFiles.write(content, ZFileWriterOptions.DEFAULT));
  }

  @Test
  void anExecutorThatRefusesDelaysNobodyEither() throws IOException {
    byte[] content = Contents.of("mix", 9, 2_000_000);
    var pool = Executors.newFixedThreadPool(1);
    pool.close();
    assertThat(ZFiles.write(content, ZFileWriterOptions.DEFAULT.withWorkers(2, pool)))
        .isEqualTo(ZFiles.write(content, ZFileWriterOptions.DEFAULT));
  }

  @Test
  void afterAFailureNothingMoreIsWritten() throws IOException {
    MemorySink sink = MemorySink.likeAFile();
    ByteSink full =
        new ByteSink() {
          @Override
          public long position() {
            return sink.position();
          }

          @Override
          public void write(ByteBuffer src) throws IOException {
            if (position() > 0) {
              throw new IOException("disk full");
            }
            sink.write(src);
          }

          @Override
          public boolean patchable() {
            return false;
          }

          @Override
          public void patch(long offset, ByteBuffer src) {
            throw new IllegalStateException();
          }

          @Override
          public void finish() {
            sink.finish();
          }

          @Override
          public void close() {
            sink.close();
          }
        };
    try (ZFileWriter writer = ZFileWriter.open(full, ZFileWriterOptions.DEFAULT)) {
      assertThatThrownBy(() -> writer.write(ByteBuffer.allocate(1 << 20))).hasMessage("disk full");
      assertThatThrownBy(() -> writer.write(ByteBuffer.allocate(1)))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(writer::finish).isInstanceOf(IllegalStateException.class);
    }
    assertThat(sink.finished()).isFalse();
    assertThat(sink.position()).isEqualTo(512);
  }

  @Test
  void aZFileCanStartInTheMiddleOfATarget() throws IOException {
    MemorySink sink = MemorySink.likeAFile();
    sink.write(ByteBuffer.wrap(new byte[100]));
    try (ZFileWriter writer =
        ZFileWriter.open(sink, ZFileWriterOptions.DEFAULT.withOverwriteHeader(true))) {
      writer.write(ByteBuffer.wrap(HELLO));
      writer.finish();
    }
    byte[] file = ZFiles.write(HELLO, ZFileWriterOptions.DEFAULT.withOverwriteHeader(true));
    assertThat(hex(sink.bytes(), 100, 100 + file.length)).isEqualTo(hex(file, 0, file.length));
    assertThat(sink.finished()).isTrue();
    assertThat(sink.closed()).isTrue();
  }

  @Test
  void anUploadCannotHaveItsHeaderOverwritten() {
    MemorySink upload = MemorySink.likeAnUpload();
    assertThatThrownBy(
            () -> ZFileWriter.open(upload, ZFileWriterOptions.DEFAULT.withOverwriteHeader(true)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("in order only");
    assertThat(upload.position()).isZero();
  }

  @Test
  void closingWithoutFinishingAbandonsTheTarget() throws IOException {
    MemorySink sink = MemorySink.likeAFile();
    ZFileWriter writer = ZFileWriter.open(sink, ZFileWriterOptions.DEFAULT);
    writer.write(ByteBuffer.wrap(new byte[1 << 20]));
    writer.close();
    assertThat(sink.closed()).isTrue();
    assertThat(sink.finished()).isFalse();
  }

  @Test
  void contentIsAppendedOnlyAndNotAfterTheEnd() throws IOException {
    ZFileWriter writer = ZFileWriter.open(MemorySink.likeAFile(), ZFileWriterOptions.DEFAULT);
    writer.write(ByteBuffer.wrap(HELLO));
    assertThat(writer.patchable()).isFalse();
    assertThatThrownBy(() -> writer.patch(0, ByteBuffer.wrap(HELLO)))
        .isInstanceOf(IllegalStateException.class);
    writer.finish();
    assertThatThrownBy(() -> writer.write(ByteBuffer.wrap(HELLO)))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(writer::finish).isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 512, 2048, 4097, 5000, 65536, 131072, Integer.MIN_VALUE, -4096})
  void blockSizesTheOriginalCannotReadAreRefused(int blockBytes) {
    assertThatThrownBy(() -> ZFileWriterOptions.DEFAULT.withBlockBytes(blockBytes))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("4096 to 32768");
  }

  @Test
  void sixtyFourKiBIsWrittenOnRequest() throws IOException {
    byte[] content = Contents.of("rand", 3, 150_000);
    byte[] file = ZFiles.write(content, ZFileWriterOptions.DEFAULT.with64KiBBlocks());
    assertThat(ZFiles.readAll(ZFile.open(ZFiles.source(file)))).isEqualTo(content);
  }
}
