package dev.obd.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.format.tar.TarLayerWriter;
import dev.obd.format.tar.TarMember;
import dev.obd.format.tar.TarOffset;
import dev.obd.format.zfile.ZFile;
import dev.obd.format.zfile.ZFileWriter;
import dev.obd.format.zfile.ZFileWriterOptions;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ByteSink;
import dev.obd.io.DerivedSource;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import dev.obd.testdata.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class LayerFileTest {
  private static final byte[] CONTENT = Contents.of("mix", 5, 50_000);

  private static byte[] layer(boolean tar, boolean zfile, byte[] content) throws IOException {
    MemorySink sink = MemorySink.likeAFile();
    ByteSink top = tar ? TarLayerWriter.open(sink) : sink;
    if (zfile) {
      top = ZFileWriter.open(top, ZFileWriterOptions.DEFAULT.withOverwriteHeader(true));
    }
    top.write(ByteBuffer.wrap(content));
    top.finish();
    top.close();
    assertThat(sink.finished()).isTrue();
    assertThat(sink.closed()).isTrue();
    return sink.bytes();
  }

  /** A source that knows whether it was closed and what was evicted. */
  private static final class Blob implements BlockSource {
    private final BlockSource bytes;
    private boolean closed;
    private Range evicted = new Range(0, 0);

    Blob(byte[] bytes) {
      this.bytes = BlockSources.ofBytes("blob", ByteBuffer.wrap(bytes));
    }

    @Override
    public long size() {
      return bytes.size();
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      bytes.read(offset, dst);
    }

    @Override
    public String name() {
      return "blob";
    }

    @Override
    public boolean evict(long offset, long length) {
      evicted = new Range(offset, length);
      return false;
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private static byte[] readAll(BlockSource source) throws IOException {
    return BlockSources.readFully(source, 0, Math.toIntExact(source.size())).array();
  }

  @ParameterizedTest
  @CsvSource({"false, false", "false, true", "true, false", "true, true"})
  void everyCombinationOpensAndClosesAsOne(boolean tar, boolean zfile) throws IOException {
    var blob = new Blob(layer(tar, zfile, CONTENT));
    LayerFile.Kind kind = LayerFile.inspect(blob);
    assertThat(kind.tar().variant())
        .isEqualTo(tar ? TarOffset.Variant.PAX : TarOffset.Variant.NONE);
    assertThat(kind.zfile().isPresent()).isEqualTo(zfile);
    BlockSource plain = LayerFile.open(blob);
    assertThat(readAll(plain)).isEqualTo(CONTENT);
    assertThat(plain instanceof ZFile).isEqualTo(zfile);
    plain.close();
    assertThat(blob.closed).isTrue();
  }

  @Test
  void aRangeOfThePlainContentIsFoundInTheBlobByUnwinding() throws IOException {
    var blob = new Blob(layer(true, true, CONTENT));
    BlockSource at = LayerFile.open(blob);
    Range range = new Range(4096, 4096);
    while (at instanceof DerivedSource derived) {
      range = derived.baseRange(range.offset(), range.length());
      at = derived.base();
    }
    assertThat(at).isSameAs(blob);
    byte[] damaged = layer(true, true, CONTENT);
    damaged[(int) range.offset() + 3] ^= 1;
    var damagedBlob = new Blob(damaged);
    BlockSource plain = LayerFile.open(damagedBlob);
    assertThatThrownBy(() -> plain.read(5000, ByteBuffer.allocate(1)))
        .isInstanceOf(FormatException.class);
    assertThat(damagedBlob.evicted).isEqualTo(range);
  }

  @Test
  void aTarInsideAZFileStaysAsItIs() throws IOException {
    byte[] tar = TarMember.wrap("inner", 0644, CONTENT);
    assertThat(readAll(LayerFile.open(new Blob(layer(false, true, tar))))).isEqualTo(tar);
  }

  @Test
  void aDamagedWrapperLeavesTheBlobToTheCaller() throws IOException {
    byte[] file = layer(true, true, CONTENT);
    var cut = new Blob(Arrays.copyOf(file, 10_000));
    assertThatThrownBy(() -> LayerFile.open(cut)).isInstanceOf(FormatException.class);
    file[1536 + 300] ^= 1;
    var damaged = new Blob(file);
    assertThatThrownBy(() -> LayerFile.open(damaged))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("digest");
    assertThatThrownBy(() -> LayerFile.inspect(damaged)).isInstanceOf(FormatException.class);
    assertThat(cut.closed || damaged.closed).isFalse();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#fewSeeds")
  void mutatedBlobsOpenOrAreFormatErrors(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] good = layer(true, true, CONTENT);
    for (int i = 0; i < 3_000; i++) {
      byte[] bad = good.clone();
      for (int n = random.nextInt(1, 4); n > 0; n--) {
        int from = random.nextInt(4) == 0 ? bad.length - 2_000 : 0;
        bad[from + random.nextInt(2_000)] = (byte) random.nextInt();
      }
      try (BlockSource plain = LayerFile.open(new Blob(bad))) {
        plain.read(0, ByteBuffer.allocate((int) Math.min(plain.size(), 60_000)));
      } catch (FormatException e) {
        assertThat(e.blob()).isEqualTo("blob");
      }
    }
  }
}
