package dev.obd.backstore.prefetch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.format.LayerFile;
import dev.obd.io.BlockSource;
import dev.obd.io.FileSource;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import dev.obd.testdata.Golden;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The recorded golden trace, into the cache on disk. */
class CachedReplayTest {
  private static final Path VECTOR = Golden.dir().resolve("j1-trace");

  @TempDir private Path directory;

  @Test
  void afterItsReplayAStartAsksTheOriginForNothing() throws Exception {
    var requests = new AtomicInteger();
    Trace trace = TraceFile.read(VECTOR.resolve("trace"));
    List<BlockSource> layers = new ArrayList<>();
    var config = CacheConfig.in(directory).withFreeReserve(0).withUnit(4096);
    try (var executor = Executors.newVirtualThreadPerTaskExecutor();
        BlobCache cache = BlobCache.open(config, Ticker.SYSTEM)) {
      for (int i = 0; i < 3; i++) {
        Path file = VECTOR.resolve("layer" + i + ".obd");
        BlockSource origin = new Counted(FileSource.open(file), requests);
        layers.add(LayerFile.open(cache.source(Digest.of(Files.readAllBytes(file)), origin)));
      }
      requests.set(0); // what opening took is not the replay's

      try (var replayer =
          Replayer.start("an image", layers, () -> trace, ReplayOptions.DEFAULT, executor)) {
        assertThat(replayer.awaitDone(Duration.ofMinutes(1))).isTrue();
        assertThat(replayer.stats().failed()).isZero();
      }
      assertThat(requests.get()).isBetween(1, trace.size() / 2);
      requests.set(0);
      for (Access access : trace) {
        layers
            .get(access.layer())
            .read(access.offset(), ByteBuffer.allocate((int) access.length()));
      }
      assertThat(requests).hasValue(0);
      for (BlockSource layer : layers) {
        layer.close();
      }
    }
  }

  private record Counted(BlockSource next, AtomicInteger requests) implements BlockSource {
    @Override
    public long size() {
      return next.size();
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      requests.incrementAndGet();
      next.read(offset, dst);
    }

    @Override
    public String name() {
      return next.name();
    }

    @Override
    public void close() throws IOException {
      next.close();
    }
  }
}
