package dev.obd.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

class BlockSourcesTest {
  @Nested
  class BytesInMemory extends BlockSourceContract {
    @Override
    protected BlockSource open(byte[] content) {
      return BlockSources.ofBytes("memory", ByteBuffer.wrap(content));
    }
  }

  @Nested
  class ASliceOfAnotherSource extends BlockSourceContract {
    @Override
    protected BlockSource open(byte[] content) throws IOException {
      ByteBuffer around = ByteBuffer.allocate(content.length + 100);
      around.put(37, content);
      return BlockSources.slice(BlockSources.ofBytes("base", around), 37, content.length);
    }
  }

  @Nested
  class AFile extends BlockSourceContract {
    @TempDir private Path dir;

    @Override
    protected BlockSource open(byte[] content) throws IOException {
      return FileSource.open(Files.write(dir.resolve("file"), content));
    }
  }
}
