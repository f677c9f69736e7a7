package dev.obd.backstore.image;

import static dev.obd.backstore.cache.Eventually.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.OnStall;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSink;
import dev.obd.io.Ticker;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.http.HttpRepository;
import dev.obd.registry.http.RegistryClient;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.testdata.Call;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A device over a registry that goes away and comes back. */
@Timeout(120)
class OutageTest {
  private static final int SIZE = 4 << 20;
  private static final byte[] CONTENT = Contents.of("rand", 3, SIZE);

  @TempDir private Path dir;
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
  private final Links links =
      new Links(link -> new SlotScheduler(link, SlotScheduler.Limits.DEFAULT, Ticker.SYSTEM));
  private BlobCache cache;
  private FaultyRegistry registry;
  private RegistryClient client;
  private Descriptor layer;

  @BeforeEach
  void prepare() throws IOException {
    Path file = dir.resolve("layer");
    BlockSource disk = BlockSources.ofBytes("disk", ByteBuffer.wrap(CONTENT));
    try (FileSink out = FileSink.create(file)) {
      RawLayerWriter.write(disk, Optional.empty(), ImportOptions.NONE, out, done -> {});
      out.finish();
    }
    cache = BlobCache.open(CacheConfig.in(dir.resolve("cache")).withFreeReserve(0), Ticker.SYSTEM);
    registry = FaultyRegistry.start();
    client = new RegistryClient(RegistryOptions.defaults());
    layer =
        new Descriptor(
            MediaTypes.OCI_LAYER, new Digest(registry.putBlob("app", file)), Files.size(file));
  }

  @AfterEach
  void tearDown() throws IOException {
    registry.close(); // first: nobody waits for it any more
    scheduler.shutdownNow();
    executor.close();
    cache.close();
    client.close();
  }

  private BlockDevice device(OnStall policy, Duration patience) throws IOException {
    HttpRepository repository =
        client.repository(ImageReference.parse(registry.host() + "/app:v1"));
    LayerOrigin origin = LayerOrigin.remote(repository, layer, registry.host());
    var plan =
        new ImagePlan("app", List.of(origin), new ImagePlan.TraceUse.None(), Optional.empty());
    Image image =
        new ImageOpener(cache, links, executor, scheduler, Ticker.SYSTEM)
            .open(plan, OpenOptions.DEFAULTS);
    return new BlockDevice(
        "d", image, DeviceOptions.DEFAULTS.withOnStall(policy).withReadPatience(patience));
  }

  private static Status read(BlockDevice device, int offset) {
    ByteBuffer into = ByteBuffer.allocate(4096);
    Status status = device.serve(new Request.Read(offset, into));
    if (status == Status.OK) {
      assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(CONTENT, offset, 4096));
    }
    return status;
  }

  @Test
  void whoWaitsGetsItsBytesWhenTheRegistryIsBackAndEverybodyCanSeeWhatItWaitsFor()
      throws Exception {
    try (BlockDevice device = device(OnStall.WAIT, Duration.ofSeconds(1))) {
      assertThat(read(device, 0)).isEqualTo(Status.OK);
      registry.down();
      var waiting = CompletableFuture.supplyAsync(() -> read(device, 1 << 20), executor);
      until(() -> device.stall().filter(s -> s.waiting() == 1).isPresent());
      assertThat(device.stall().orElseThrow().origin()).isEqualTo(registry.host());
      assertThat(device.stall().orElseThrow().reason()).contains(layer.digest().toString());
      assertThat(links.stalls()).hasSize(1);
      assertThat(read(device, 0)).isEqualTo(Status.OK); // cached
      until(() -> device.stall().orElseThrow().lasting().compareTo(Duration.ofSeconds(2)) > 0);
      assertThat(waiting).isNotDone();
      registry.up();
      assertThat(waiting.get(30, TimeUnit.SECONDS)).isEqualTo(Status.OK);
      assertThat(device.stall()).isEmpty();
      assertThat(links.stalls()).isEmpty();
    }
  }

  @Test
  void whoWantsTheCacheOnlyIsServedFromItAtOnceAndRecoversByItself() throws Exception {
    try (BlockDevice device = device(OnStall.READONLY_CACHE, Duration.ofSeconds(60))) {
      assertThat(read(device, 0)).isEqualTo(Status.OK);
      registry.down();
      assertThat(read(device, 1 << 20)).isNotEqualTo(Status.OK); // long before its patience is over
      registry.clearLog();
      for (int i = 2; i < 50; i++) {
        assertThat(read(device, (1 << 20) + i * (64 << 10) % SIZE)).isNotEqualTo(Status.OK);
        assertThat(read(device, 0)).isEqualTo(Status.OK);
      }
      assertThat(device.stats().lastFailure().reason()).contains("only what is cached is served");
      registry.up();
      until(() -> device.stall().isEmpty()); // though nobody reads
      assertThat(read(device, 1 << 20)).isEqualTo(Status.OK);
    }
  }

  @Test
  void aSilentRegistryIsNoticedToo() throws Exception {
    try (BlockDevice device = device(OnStall.READONLY_CACHE, Duration.ofSeconds(60))) {
      assertThat(read(device, 0)).isEqualTo(Status.OK);
      registry.fault(Call::isBlobRead, new Fault.Delay(Duration.ofMinutes(2)));
      long began = Ticker.SYSTEM.nanos();
      assertThat(read(device, 2 << 20)).isEqualTo(Status.TIMED_OUT);
      assertThat(Duration.ofNanos(Ticker.SYSTEM.nanos() - began))
          .isLessThan(Duration.ofSeconds(30));
      assertThat(read(device, 0)).isEqualTo(Status.OK);
    }
  }
}
