package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSourceContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class CachedSourceContractTest extends BlockSourceContract {
  @TempDir Path directory;

  @Override
  protected BlockSource open(byte[] content) throws IOException {
    Path here = Files.createTempDirectory(directory, "cache");
    return CacheTests.open(CacheTests.small(here))
        .source(CacheTests.digest(1), new CountingOrigin(content));
  }
}
