package dev.obd.format.zfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import dev.obd.testdata.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ZFileTest {
  private static final byte[] CONTENT = Contents.of("mix", 11, 100_001);
  private static final ZFileWriterOptions OVERWRITTEN =
      ZFileWriterOptions.DEFAULT.withOverwriteHeader(true);

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#manySeeds")
  void whatWasWrittenReadsBack(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] content =
        Contents.of("mix", seed, random.nextInt(random.nextBoolean() ? 9_000 : 400_000));
    ZFileWriterOptions options =
        new ZFileWriterOptions(
            random.nextBoolean() ? Algorithm.LZ4 : Algorithm.ZSTD,
            4096 << random.nextInt(5),
            random.nextBoolean(),
            random.nextBoolean(),
            1,
            Runnable::run,
            true);
    byte[] file = ZFiles.write(content, options);
    var reading = new ZFileOptions(random.nextInt(1, 1 << 20), JumpTable.MAX_BLOCKS);
    try (ZFile zfile = ZFile.open(ZFiles.source(file), reading)) {
      assertThat(zfile.size()).isEqualTo(content.length);
      assertThat(ZFiles.readAll(zfile)).isEqualTo(content);
      for (int i = 0; i < 50; i++) {
        int from = random.nextInt(content.length + 1);
        int length = random.nextInt(content.length - from + 1);
        ByteBuffer dst =
            random.nextBoolean() ? ByteBuffer.allocate(length) : ByteBuffer.allocateDirect(length);
        zfile.read(from, dst);
        byte[] got = new byte[length];
        dst.get(0, got);
        assertThat(got).isEqualTo(Arrays.copyOfRange(content, from, from + length));
      }
    }
  }

  @Test
  void openingReadsTheHeaderThenTheTableAndNothingElse() throws IOException {
    byte[] file = ZFiles.write(CONTENT, OVERWRITTEN);
    var blob = new CopySource(file);
    ZFile.open(blob).close();
    int table = 25 * 4;
    assertThat(blob.reads)
        .containsExactly(new Range(0, 512), new Range(file.length - 512 - table, table));
    assertThat(blob.closed).isTrue();
  }

  @Test
  void aHeaderThatWasNotOverwrittenCostsOneReadMore() throws IOException {
    byte[] file = ZFiles.write(CONTENT, ZFileWriterOptions.DEFAULT);
    var blob = new CopySource(file);
    ZFile.open(blob);
    int table = 25 * 4;
    assertThat(blob.reads)
        .containsExactly(
            new Range(0, 512),
            new Range(file.length - 512, 512),
            new Range(file.length - 512 - table, table));
  }

  @Test
  void adjacentBlocksAreOneReadAndItIsTheBaseRange() throws IOException {
    var blob = new CopySource(ZFiles.write(CONTENT, OVERWRITTEN));
    ZFile zfile = ZFile.open(blob);
    blob.reads.clear();
    zfile.read(5_000, ByteBuffer.allocate(60_000));
    assertThat(blob.reads).containsExactly(zfile.baseRange(5_000, 60_000));
    assertThat(zfile.baseRange(5_000, 60_000)).isEqualTo(zfile.baseRange(4_096, 61_440));
    assertThat(zfile.baseRange(0, Long.MAX_VALUE)).isEqualTo(zfile.baseRange(-7, 200_000));
    assertThat(zfile.baseRange(0, CONTENT.length).offset()).isEqualTo(512);
    assertThat(zfile.baseRange(100_001, 10).length()).isZero();
    assertThat(zfile.baseRange(50, 0).length()).isZero();
    assertThat(zfile.base()).isSameAs(blob);
  }

  @Test
  void aLongRangeIsReadInBoundedPieces() throws IOException {
    var blob = new CopySource(ZFiles.write(CONTENT, OVERWRITTEN));
    ZFile zfile = ZFile.open(blob, new ZFileOptions(20_000, JumpTable.MAX_BLOCKS));
    blob.reads.clear();
    zfile.read(0, ByteBuffer.allocate(CONTENT.length));
    assertThat(blob.reads.size()).isBetween(3, 8);
    assertThat(blob.reads).allMatch(read -> read.length() <= 20_000);
    long at = 512;
    for (Range read : blob.reads) {
      assertThat(read.offset()).isEqualTo(at);
      at = read.end();
    }
    assertThat(at).isEqualTo(zfile.header().indexOffset());
  }

  @Test
  void leftoverMemoryInUnusedFieldsIsNoError() throws IOException {
    byte[] file = ZFiles.write(CONTENT, ZFileWriterOptions.DEFAULT);
    for (int base : new int[] {0, ZFiles.trailerAt(file)}) {
      long flags = base == 0 ? 0x3 : 0x6;
      ByteBuffer fields = ZFiles.fields(file);
      fields.putInt(base + ZFileHeader.Field.SIZE.at, 0xDEADBEEF);
      fields.putInt(base + ZFileHeader.Field.DIGEST.at, 0x7F12_3456);
      fields.putLong(base + ZFileHeader.Field.FLAGS.at, 0x7FFD_1234_5678_9AE0L | flags);
      fields.putInt(base + ZFileHeader.Field.INDEX_CRC.at, 0x55AA_55AA);
      fields.putInt(base + 68, -1);
      file[base + ZFileHeader.Field.LEVEL.at] = 99;
      file[base + ZFileHeader.Field.USE_DICT.at] = 1;
      Arrays.fill(file, base + 79, base + 84, (byte) 0xA5);
      Arrays.fill(file, base + 89, base + 512, (byte) 0x5A);
      if (base == 0) {
        fields.putLong(ZFileHeader.Field.INDEX_OFFSET.at, -1);
        fields.putLong(ZFileHeader.Field.INDEX_SIZE.at, -1);
        fields.putLong(ZFileHeader.Field.ORIGINAL_FILE_SIZE.at, -1);
      }
    }
    assertThat(ZFiles.readAll(ZFile.open(ZFiles.source(file)))).isEqualTo(CONTENT);
  }

  @Test
  void aDictionaryShiftsTheFirstBlock() throws IOException {
    byte[] plain = ZFiles.write(CONTENT, OVERWRITTEN);
    int dict = 1000;
    byte[] file = new byte[plain.length + dict];
    System.arraycopy(plain, 0, file, 0, 512);
    System.arraycopy(plain, 512, file, 512 + dict, plain.length - 512);
    ByteBuffer fields = ZFiles.fields(file);
    fields.putInt(ZFileHeader.Field.DICT_SIZE.at, dict);
    fields.putLong(
        ZFileHeader.Field.INDEX_OFFSET.at,
        fields.getLong(ZFileHeader.Field.INDEX_OFFSET.at) + dict);
    ZFiles.fixDigest(file, 0);
    assertThat(ZFiles.readAll(ZFile.open(ZFiles.source(file)))).isEqualTo(CONTENT);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 64, 512, 1024, 2048})
  void blocksSmallerThanAnyWriterMakesAreRead(int blockBytes) throws IOException {
    byte[] content = Contents.of("text", 5, 3_001);
    byte[] file = ZFilesOfAnySize.write(content, blockBytes);
    assertThat(ZFiles.readAll(ZFile.open(ZFiles.source(file)))).isEqualTo(content);
  }

  @Test
  void theTrailerIsNotNeededOnceTheHeaderIsOverwritten() throws IOException {
    byte[] file = ZFiles.write(CONTENT, OVERWRITTEN);
    byte[] cut = Arrays.copyOf(file, file.length - 512);
    assertThat(ZFiles.readAll(ZFile.open(ZFiles.source(cut)))).isEqualTo(CONTENT);
  }

  @Test
  void aNearlyEmptyFileSaysWhatItLacks() {
    assertThatThrownBy(() -> ZFile.open(ZFiles.source(new byte[100])))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("file size: expected at least 512, got 100");
    byte[] file = write(ZFileWriterOptions.DEFAULT);
    assertThatThrownBy(() -> ZFile.open(ZFiles.source(Arrays.copyOf(file, 900))))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("room for header and trailer");
  }

  private static byte[] write(ZFileWriterOptions options) {
    try {
      return ZFiles.write(CONTENT, options);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void assertRefused(String expected, Consumer<ByteBuffer> damage) {
    for (var options : new ZFileWriterOptions[] {OVERWRITTEN, ZFileWriterOptions.DEFAULT}) {
      byte[] file = write(options);
      int base = options.overwriteHeader() ? 0 : ZFiles.trailerAt(file);
      damage.accept(ZFiles.fields(file).slice(base, 512).order(java.nio.ByteOrder.LITTLE_ENDIAN));
      ZFiles.fixDigest(file, base);
      assertThatThrownBy(() -> ZFile.open(ZFiles.source(file)))
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith("blob @")
          .hasMessageContaining(expected);
    }
  }

  @Test
  void fieldsThatLieAreRefusedByName() {
    assertRefused("algo: expected 1 or 2, got 0", f -> f.put(76, (byte) 0));
    assertRefused("algo: expected 1 or 2, got 200", f -> f.put(76, (byte) 200));
    assertRefused("block_size: expected a power of two", f -> f.putInt(72, 0));
    assertRefused("block_size: expected a power of two", f -> f.putInt(72, 4097));
    assertRefused("block_size: expected a power of two", f -> f.putInt(72, 131072));
    assertRefused("got 2147483648", f -> f.putInt(72, Integer.MIN_VALUE));
    assertRefused("index_size: expected at most", f -> f.putLong(48, 1_000_000_001));
    assertRefused("got 18446744073709551615", f -> f.putLong(48, -1));
    assertRefused("original_file_size: expected the bytes of 24 blocks", f -> f.putLong(48, 24));
    assertRefused(
        "original_file_size: expected the bytes of 25 blocks", f -> f.putLong(56, 102_401));
    assertRefused("original_file_size", f -> f.putLong(56, -5));
    assertRefused("index_offset: expected from 512", f -> f.putLong(40, 511));
    assertRefused("index_offset", f -> f.putLong(40, Long.MAX_VALUE));
    assertRefused("index_offset", f -> f.putLong(40, -1));
    assertRefused("index_offset", f -> f.putInt(84, -1));
    assertRefused("jump table entry", f -> f.putInt(84, 1));
    assertRefused("index_crc: expected 0x", f -> f.putInt(64, f.getInt(64) + 1));
  }

  @Test
  void aTrailerMustBeSealedDataAndNoHeader() {
    for (long flags : new long[] {0x17, 0x14, 0x12, 0x1F}) {
      byte[] file = write(ZFileWriterOptions.DEFAULT);
      int base = ZFiles.trailerAt(file);
      ZFiles.fields(file).putLong(base + ZFileHeader.Field.FLAGS.at, flags);
      ZFiles.fixDigest(file, base);
      assertThatThrownBy(() -> ZFile.open(ZFiles.source(file)))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("trailer flags");
    }
  }

  @Test
  void aDamagedTrailerIsFoundByItsDigest() {
    byte[] file = write(ZFileWriterOptions.DEFAULT);
    file[ZFiles.trailerAt(file) + 300] ^= 1;
    assertThatThrownBy(() -> ZFile.open(ZFiles.source(file)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("digest");
  }

  @Test
  void aBlockWithoutBytesIsRefused() {
    for (int stored : new int[] {0, 4, 4096 + 512 + 5, -1}) {
      byte[] file = write(OVERWRITTEN);
      ByteBuffer fields = ZFiles.fields(file);
      int table = (int) fields.getLong(ZFileHeader.Field.INDEX_OFFSET.at);
      fields.putInt(table + 4, stored);
      fields.putLong(ZFileHeader.Field.FLAGS.at, 0x0B); // no digest: the lengths must tell
      assertThatThrownBy(() -> ZFile.open(ZFiles.source(file)))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("jump table entry 1")
          .hasMessageContaining(Integer.toUnsignedString(stored));
    }
  }

  @Test
  void blocksThatReachIntoTheTableAreRefused() {
    byte[] file = write(OVERWRITTEN.withVerify(false));
    ByteBuffer fields = ZFiles.fields(file);
    int table = (int) fields.getLong(ZFileHeader.Field.INDEX_OFFSET.at);
    fields.putInt(table + 24 * 4, fields.getInt(table + 24 * 4) + 1);
    fields.putLong(ZFileHeader.Field.FLAGS.at, 0x0B);
    assertThatThrownBy(() -> ZFile.open(ZFiles.source(file)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("jump table entry 24");
  }

  @Test
  void anotherLengthThanExpectedIsRefusedEvenIfTheChecksumHolds() throws IOException {
    byte[] longer = ZFiles.write(Contents.of("text", 1, 4096), OVERWRITTEN);
    for (int claimed : new int[] {4095, 1}) {
      byte[] file = longer.clone();
      ZFiles.fields(file).putLong(ZFileHeader.Field.ORIGINAL_FILE_SIZE.at, claimed);
      ZFiles.fixDigest(file, 0);
      ZFile zfile = ZFile.open(ZFiles.source(file));
      assertThatThrownBy(() -> zfile.read(0, ByteBuffer.allocate(1)))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("block 0");
    }
    byte[] shorter = ZFiles.write(Contents.of("text", 1, 100), OVERWRITTEN);
    ZFiles.fields(shorter).putLong(ZFileHeader.Field.ORIGINAL_FILE_SIZE.at, 4096);
    ZFiles.fixDigest(shorter, 0);
    ZFile zfile = ZFile.open(ZFiles.source(shorter));
    assertThatThrownBy(() -> zfile.read(0, ByteBuffer.allocate(1)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("block 0: decompressed length: expected 4096, got 100");
  }

  @Test
  void aHeaderThatClaimsAnEnormousTableAllocatesNothing() {
    byte[] head = write(OVERWRITTEN);
    long count = 1_000_000_000;
    ByteBuffer fields = ZFiles.fields(head);
    fields.putLong(ZFileHeader.Field.INDEX_SIZE.at, count);
    fields.putLong(ZFileHeader.Field.ORIGINAL_FILE_SIZE.at, count * 4096);
    fields.putLong(ZFileHeader.Field.INDEX_OFFSET.at, 1L << 40);
    ZFiles.fixDigest(head, 0);
    BlockSource huge = new CopySource(Arrays.copyOf(head, 512), 1L << 41); // zeros after the header
    assertThatThrownBy(() -> ZFile.open(huge))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("jump table entry 0: expected a stored length");
  }

  @Test
  void fewerBlocksCanBeAllowed() {
    byte[] file = write(OVERWRITTEN);
    assertThatThrownBy(() -> ZFile.open(ZFiles.source(file), new ZFileOptions(1 << 20, 24)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("index_size: expected at most 24, got 25");
  }

  @Test
  void whatIsNoZFileIsNotOpened() throws IOException {
    assertThat(ZFile.openIfZFile(ZFiles.source(CONTENT), ZFileOptions.DEFAULT)).isEmpty();
    assertThat(ZFile.openIfZFile(ZFiles.source(new byte[3]), ZFileOptions.DEFAULT)).isEmpty();
    assertThat(ZFile.inspect(ZFiles.source(new byte[3]))).isEmpty();
    byte[] file = write(OVERWRITTEN);
    assertThat(ZFile.openIfZFile(ZFiles.source(file), ZFileOptions.DEFAULT)).isPresent();
    assertThatThrownBy(() -> ZFile.open(ZFiles.source(CONTENT)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("magic0");
  }

  @Test
  void inspectingTellsBothRecords() throws IOException {
    ZFile.Records trailerOnly =
        ZFile.inspect(ZFiles.source(write(ZFileWriterOptions.DEFAULT))).orElseThrow();
    assertThat(trailerOnly.header().flags()).isEqualTo(0x13);
    assertThat(trailerOnly.used().flags()).isEqualTo(0x16);
    assertThat(trailerOnly.used().indexCount()).isEqualTo(25);
    ZFile.Records overwritten = ZFile.inspect(ZFiles.source(write(OVERWRITTEN))).orElseThrow();
    assertThat(overwritten.trailer()).isNull();
    assertThat(overwritten.used().flags()).isEqualTo(0x1B);
  }
}
