package dev.obd.format.zfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import dev.obd.testdata.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a ZFile does about wrong bytes when its blob may have better ones. */
class ZFileEvictionTest {
  private static final byte[] CONTENT = Contents.of("text", 21, 40_000);

  private static CopySource blob(ZFileWriterOptions options) throws IOException {
    return new CopySource(ZFiles.write(CONTENT, options.withOverwriteHeader(true)));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void aWrongBlockIsEvictedAndReadAgainUpToThreeTimes(int evictions) throws IOException {
    CopySource blob = blob(ZFileWriterOptions.DEFAULT);
    ZFile zfile = ZFile.open(blob);
    Range block = zfile.baseRange(8192, 1);
    blob.copy()[(int) block.offset() + 20] ^= 4;
    blob.evictionsUntilGood = evictions;
    assertThat(ZFiles.readAll(zfile)).isEqualTo(CONTENT);
    assertThat(blob.evictions).hasSize(evictions).containsOnly(block);
  }

  @Test
  void afterThreeTimesItIsAnError() throws IOException {
    CopySource blob = blob(ZFileWriterOptions.DEFAULT);
    ZFile zfile = ZFile.open(blob);
    Range block = zfile.baseRange(8192, 1);
    blob.copy()[(int) block.offset() + 20] ^= 4;
    blob.evictionsUntilGood = 4;
    assertThatThrownBy(() -> ZFiles.readAll(zfile))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("copy @" + block.offset() + ": block 2: checksum: expected 0x");
    assertThat(blob.evictions).hasSize(3);
    blob.evictionsUntilGood = 0;
    assertThat(ZFiles.readAll(zfile)).as("a later read starts anew").isEqualTo(CONTENT);
  }

  @Test
  void withoutAnotherCopyTheFirstMismatchIsAnError() throws IOException {
    CopySource blob = blob(ZFileWriterOptions.DEFAULT);
    ZFile zfile = ZFile.open(blob);
    blob.copy()[600] ^= 1;
    assertThatThrownBy(() -> zfile.read(0, ByteBuffer.allocate(10)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("block 0");
    assertThat(blob.evictions).hasSize(1);
    zfile.read(4096, ByteBuffer.allocate(4096)); // other blocks are not affected
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void withoutChecksumsBytesThatDoNotDecompressAreEvicted(Algorithm algorithm) throws IOException {
    CopySource blob = blob(ZFileWriterOptions.DEFAULT.withAlgorithm(algorithm).withVerify(false));
    ZFile zfile = ZFile.open(blob);
    Range block = zfile.baseRange(4096, 4096);
    for (long i = block.offset(); i < block.end(); i++) {
      blob.copy()[(int) i] = (byte) 0xFF;
    }
    blob.evictionsUntilGood = 2;
    assertThat(ZFiles.readAll(zfile)).isEqualTo(CONTENT);
    assertThat(blob.evictions).containsExactly(block, block);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aWrongTableIsEvictedWithEverythingElseUpToTwice(int evictions) throws IOException {
    CopySource blob = blob(ZFileWriterOptions.DEFAULT);
    blob.copy()[blob.copy().length - 513] ^= 1;
    blob.evictionsUntilGood = evictions;
    assertThat(ZFiles.readAll(ZFile.open(blob))).isEqualTo(CONTENT);
    assertThat(blob.evictions).hasSize(evictions).containsOnly(new Range(0, blob.size()));
  }

  @Test
  void aWrongHeaderIsReadAgainToo() throws IOException {
    CopySource blob = blob(ZFileWriterOptions.DEFAULT);
    blob.copy()[200] ^= 1;
    blob.evictionsUntilGood = 1;
    assertThat(ZFiles.readAll(ZFile.open(blob))).isEqualTo(CONTENT);
  }

  @Test
  void aTableThatStaysWrongIsAnErrorAndTheBlobStaysOpen() throws IOException {
    CopySource blob = blob(ZFileWriterOptions.DEFAULT);
    blob.copy()[blob.copy().length - 513] ^= 1;
    blob.evictionsUntilGood = 3;
    assertThatThrownBy(() -> ZFile.open(blob)).isInstanceOf(FormatException.class);
    assertThat(blob.evictions).hasSize(2);
    assertThat(blob.closed).isFalse();
  }

  @Test
  void whoReadsAZFileCanEvictThroughIt() throws IOException {
    CopySource blob = blob(ZFileWriterOptions.DEFAULT);
    ZFile zfile = ZFile.open(blob);
    blob.evictionsUntilGood = 1;
    assertThat(zfile.evict(5000, 100)).isTrue();
    assertThat(blob.evictions).containsExactly(zfile.baseRange(4096, 4096));
  }

  @Test
  void evictionReachesThroughASlice() throws IOException {
    byte[] file = ZFiles.write(CONTENT, ZFileWriterOptions.DEFAULT.withOverwriteHeader(true));
    byte[] shifted = new byte[file.length + 1536];
    System.arraycopy(file, 0, shifted, 1536, file.length);
    var blob = new CopySource(shifted);
    ZFile zfile = ZFile.open(BlockSources.slice(blob, 1536, file.length));
    blob.copy()[1536 + 600] ^= 1;
    blob.evictionsUntilGood = 1;
    assertThat(ZFiles.readAll(zfile)).isEqualTo(CONTENT);
    assertThat(blob.evictions.getFirst().offset()).isEqualTo(1536 + 512);
  }
}
