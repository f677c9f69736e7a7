package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import dev.obd.testdata.Golden;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SealedLayerTest {
  /** Of the golden commit: 14 records at 139264, the trailer at 143360. */
  private static final int INDEX_AT = 139_264;

  private static final int TRAILER_AT = 143_360;

  private byte[] file = new byte[0];

  @BeforeEach
  void aCommittedLayer() throws IOException {
    file = Files.readAllBytes(Golden.dir().resolve("b3-commit-uuid-msg/layer.obd"));
  }

  private void refused(String message, Consumer<ByteBuffer> damage) {
    byte[] copy = file.clone();
    damage.accept(ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN));
    assertThatThrownBy(() -> LsmtFiles.open(copy))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("layer @")
        .hasMessageContaining(message);
  }

  @Test
  void aLayerTellsWhatItsTrailerSays() throws IOException {
    try (SealedLayer layer = LsmtFiles.open(file)) {
      assertThat(layer.virtualSize()).isEqualTo(16 << 20);
      assertThat(layer.uuid()).isEqualTo(UUID.fromString("000000B3-1111-4222-8333-0000000000B3"));
      assertThat(layer.parentUuid())
          .isEqualTo(UUID.fromString("000000B2-1111-4222-8333-0000000000B2"));
      assertThat(layer.userTag()).isEqualTo("hello overlaybd: commit message é 0123456789");
      assertThat(layer.index().count()).isEqualTo(14);
      assertThat(layer.header().flags()).isEqualTo(7);
      assertThat(layer.trailer().indexCount()).isEqualTo(256);
      assertThat(layer.name()).isEqualTo("layer");
    }
  }

  @Test
  void openingReadsHeaderTrailerAndIndexOnceEach() throws IOException {
    List<String> reads = new ArrayList<>();
    BlockSource source =
        new ForwardingSource(BlockSources.ofBytes("layer", ByteBuffer.wrap(file))) {
          @Override
          public void read(long offset, ByteBuffer dst) throws IOException {
            reads.add(offset + "+" + dst.remaining());
            super.read(offset, dst);
          }
        };
    SealedLayer.open(source).close();
    assertThat(reads).containsExactly("0+4096", TRAILER_AT + "+4096", INDEX_AT + "+4096");
  }

  @Test
  void aDamagedCopyIsEvictedAndReadOnceMore() throws IOException {
    byte[] copy = file.clone();
    copy[INDEX_AT + 16] ^= 1;
    copy[INDEX_AT] ^= 2;
    List<String> evicted = new ArrayList<>();
    BlockSource source =
        new ForwardingSource(BlockSources.ofBytes("layer", ByteBuffer.wrap(copy))) {
          @Override
          public boolean evict(long offset, long length) {
            evicted.add(offset + "+" + length);
            System.arraycopy(file, (int) offset, copy, (int) offset, (int) length);
            return true;
          }
        };
    try (SealedLayer layer = SealedLayer.open(source)) {
      assertThat(layer.index().count()).isEqualTo(14);
    }
    assertThat(evicted).hasSize(2).first().isEqualTo("0+4096");
  }

  @Test
  void tagsOnDiskMeanNothingInOneLayer() throws IOException {
    file = Files.readAllBytes(Golden.dir().resolve("f1-merge/merged.lsmt"));
    try (SealedLayer layer = LsmtFiles.open(file)) {
      layer
          .index()
          .forEach((first, count, data, zeroed, tag) -> {
            assertThat(tag).isZero();
            return true;
          });
    }
  }

  @Test
  void whatIsNotRelyedUponIsNotChecked() throws IOException {
    ByteBuffer b = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    b.putInt(24, 77).putInt(28, 3).putLong(32, -1).putLong(40, -1).putLong(48, -1);
    b.put(132, (byte) 9).putInt(TRAILER_AT + 24, 77).put(TRAILER_AT + 132, (byte) 9);
    try (SealedLayer layer = LsmtFiles.open(file)) {
      assertThat(layer.virtualSize()).isEqualTo(16 << 20);
      assertThat(layer.trailer().version()).isEqualTo(9);
    }
  }

  @Test
  void aFileTooShortForHeaderAndTrailerIsRefused() {
    assertThatThrownBy(() -> LsmtFiles.open(Arrays.copyOf(file, 8191)))
        .isInstanceOf(FormatException.class)
        .hasMessage("layer @0: file: expected at least 8192 bytes, got 8191");
  }

  @Test
  void headerAndTrailerMustBeWhatTheyShouldBe() {
    refused("@0: magic0: expected 0x20100544d534c, got", b -> b.put(0, (byte) 'l'));
    refused("@28: flags: expected a header (bit 0x1 set), got 0x6", b -> b.putInt(28, 6));
    refused("@28: flags: expected a data file (bit 0x2 set), got 0x5", b -> b.putInt(28, 5));
    refused("magic1: expected", b -> b.put(TRAILER_AT + 20, (byte) 0));
    refused(
        "@143388: flags: expected a trailer (bit 0x1 clear), got 0x7",
        b -> b.putInt(TRAILER_AT + 28, 7));
    refused("expected a data file (bit 0x2 set), got 0x4", b -> b.putInt(TRAILER_AT + 28, 4));
    refused("expected a sealed file (bit 0x4 set), got 0x2", b -> b.putInt(TRAILER_AT + 28, 2));
    refused(
        "@143408: virtualSize: expected at most 576460752303422976, got 18446744073709551615",
        b -> b.putLong(TRAILER_AT + 48, -1));
  }

  @Test
  void theIndexMustLieBetweenHeaderAndTrailer() {
    refused(
        "@143400: indexCount: expected at most 1000000, got 1000001",
        b -> b.putLong(TRAILER_AT + 40, 1_000_001));
    refused(
        "indexCount: expected at most 1000000, got 18446744073709551615",
        b -> b.putLong(TRAILER_AT + 40, -1));
    refused(
        "@143392: indexOffset: expected 4096 to 139264 for 256 records, got 139265",
        b -> b.putLong(TRAILER_AT + 32, INDEX_AT + 1));
    refused("for 256 records, got 4095", b -> b.putLong(TRAILER_AT + 32, 4095));
    // With an offset like this the original's sum overflows, and passes.
    refused("for 256 records, got 18446744073709551615", b -> b.putLong(TRAILER_AT + 32, -1));
    refused(
        "for 0 records, got 143361",
        b -> b.putLong(TRAILER_AT + 40, 0).putLong(TRAILER_AT + 32, TRAILER_AT + 1));
  }

  @Test
  void recordsMustBeInOrderAndTheirDataInTheFile() {
    refused(
        "@139280: segment.offset: expected at least 40 (the end of the record before), got 39",
        b -> b.putLong(INDEX_AT + 16, Segment.word0(39, 16)));
    refused(
        "@139264: segment.moffset: expected data within sectors 8 to 272, got 40 sectors at 7",
        b -> b.putLong(INDEX_AT + 8, 7));
    refused("within sectors 8 to 272, got 40 sectors at 233", b -> b.putLong(INDEX_AT + 8, 233));
    refused(
        "got 40 sectors at 36028797018963967", b -> b.putLong(INDEX_AT + 8, Segment.MAX_MOFFSET));
    refused(
        "@139280: segment.moffset: expected data within sectors 8 to 272, got zeroed at 273",
        b -> b.putLong(INDEX_AT + 24, Segment.word1(273, true, 0)));
    refused(
        "segment.length: expected an end up to 2^50-1 sectors",
        b -> b.putLong(INDEX_AT + 13 * 16, Segment.word0((1L << 50) - 5, 8)));
  }

  @Test
  void aZeroedRecordMayLieAtTheEndOfTheData() throws IOException {
    ByteBuffer.wrap(file)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(INDEX_AT + 24, Segment.word1(272, true, 0));
    LsmtFiles.open(file).close();
  }

  @Test
  void aTaggedRecordInAnUnpaddedCommittedFileIsTurboOci() {
    refused(
        "segment.tag: expected a layer that holds its own data, got tag 1 of a turboOCI (warp)"
            + " layer",
        b -> {
          b.putLong(TRAILER_AT + 40, 14);
          b.put(INDEX_AT + 15, (byte) 1);
        });
  }
}
