package dev.obd.format.zfile;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSourceContract;
import java.io.IOException;
import org.junit.jupiter.api.Nested;

/** A ZFile is a block source, whatever its options. */
class ZFileContractTest {
  @Nested
  class Lz4InSmallBlocks extends BlockSourceContract {
    @Override
    protected BlockSource open(byte[] content) throws IOException {
      return ZFile.open(ZFiles.source(ZFiles.write(content, ZFileWriterOptions.DEFAULT)));
    }
  }

  @Nested
  class Lz4InGreatBlocksReadInSmallPieces extends BlockSourceContract {
    @Override
    protected BlockSource open(byte[] content) throws IOException {
      byte[] file =
          ZFiles.write(
              content,
              ZFileWriterOptions.DEFAULT
                  .with64KiBBlocks()
                  .withVerify(false)
                  .withOverwriteHeader(true));
      return ZFile.open(
          ZFiles.source(file), new ZFileOptions(1000, ZFileOptions.DEFAULT.maxBlocks()));
    }
  }

  @Nested
  class Zstd extends BlockSourceContract {
    @Override
    protected BlockSource open(byte[] content) throws IOException {
      byte[] file =
          ZFiles.write(
              content,
              ZFileWriterOptions.DEFAULT
                  .withAlgorithm(Algorithm.ZSTD)
                  .withBlockBytes(16384)
                  .withOverwriteHeader(true));
      return ZFile.open(ZFiles.source(file));
    }
  }
}
