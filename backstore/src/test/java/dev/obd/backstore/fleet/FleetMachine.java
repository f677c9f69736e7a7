package dev.obd.backstore.fleet;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.config.Home;
import dev.obd.backstore.config.ServiceConfig;
import dev.obd.backstore.config.ServiceConfigReader;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.download.BusyDirectories;
import dev.obd.backstore.download.DownloadContext;
import dev.obd.backstore.image.ImageOpener;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.image.Links;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.backstore.store.ImageStore;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSink;
import dev.obd.io.Ticker;
import dev.obd.registry.Platform;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.client.Repositories;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.testdata.Contents;
import dev.obd.testdata.FaultyRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;

/**
 * A home, a registry, and a kernel and doors that outlive each process on it: {@link #boot} is a
 * process.
 */
final class FleetMachine implements AutoCloseable {
  static final int DISK_BYTES = 4 << 20;

  final Path root;
  final Home home;
  final FaultyRegistry registry;
  final TestKernel kernel = new TestKernel();
  final TestDoor nbd = new TestDoor("nbd-device", true);
  final TestDoor fuse = new TestDoor("fuse", false);
  final TestMounter mounter = new TestMounter();
  ServiceConfig config;
  boolean tcmu = true;

  /** How many tasks may begin: the opening of a layer, a replay. */
  volatile Semaphore tasks = new Semaphore(Integer.MAX_VALUE);

  FleetMachine(Path root) throws IOException {
    this.root = root;
    this.home = new Home(root.resolve("home"));
    this.registry = FaultyRegistry.start();
    this.config = ServiceConfigReader.parse("test", "{\"obd\":{\"stallLimitSeconds\":1}}");
  }

  /** One process: a fleet and what it works with. */
  final class Process implements AutoCloseable {
    private final ExecutorService threads =
        Executors.newCachedThreadPool(Thread.ofPlatform().daemon().factory());
    private final ExecutorService virtual =
        Executors.newThreadPerTaskExecutor(
            task -> Thread.ofVirtual().unstarted(() -> whenAllowed(task)));
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final Repositories repositories;
    final BlobCache cache;
    final Fleet fleet;

    private Process() throws IOException {
      repositories =
          new Repositories(RegistryOptions.defaults().withPatience(Duration.ofSeconds(3), 2));
      ImageStore images =
          new ImageStore(
              home.store(), repositories, RegistryClock.SYSTEM, Platform.current(), virtual);
      cache = BlobCache.open(CacheConfig.in(home.cache()).withFreeReserve(0), Ticker.SYSTEM);
      ImageOpener opener =
          new ImageOpener(
                  cache,
                  new Links(
                      link -> new SlotScheduler(link, SlotScheduler.Limits.DEFAULT, Ticker.SYSTEM)),
                  virtual,
                  timer,
                  Ticker.SYSTEM)
              .withDownloads(
                  new DownloadContext(virtual, Ticker.SYSTEM, () -> 0.5, new BusyDirectories(), 0));
      fleet =
          new Fleet(
              new FleetContext(
                  home,
                  config,
                  true,
                  new ImagePlans(images, repositories),
                  opener,
                  List.<DeviceFrontend>of(nbd, fuse),
                  tcmu ? Optional.of(kernel) : Optional.empty(),
                  Optional.of(mounter),
                  threads,
                  timer,
                  Ticker.SYSTEM,
                  InstantSource.system()));
    }

    /** What {@code kill -9} leaves: nothing is said to anybody. */
    void kill() throws IOException {
      timer.shutdownNow();
      threads.shutdownNow();
      virtual.shutdownNow();
      cache.close();
      repositories.close();
    }

    @Override
    public void close() throws IOException {
      fleet.close();
      kill();
    }
  }

  private void whenAllowed(Runnable task) {
    try {
      tasks.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return; // the process ends
    }
    task.run();
  }

  Process boot() throws IOException, InterruptedException {
    Process process = new Process();
    process.fleet.start();
    return process;
  }

  /** A layer of one disk of random bytes. */
  Path layer(String name, long seed) throws IOException {
    Path file = root.resolve(name);
    BlockSource disk =
        BlockSources.ofBytes("disk", ByteBuffer.wrap(Contents.of("rand", seed, DISK_BYTES)));
    try (FileSink out = FileSink.create(file)) {
      RawLayerWriter.write(disk, Optional.empty(), ImportOptions.NONE, out, done -> {});
      out.finish();
    }
    return file;
  }

  /** A layer over the registry, as a configuration names it. */
  JsonObject remote(Path layer) throws IOException {
    JsonObject lower = new JsonObject();
    lower.addProperty("digest", registry.putBlob("test/app", layer));
    lower.addProperty("size", Files.size(layer));
    return lower;
  }

  static JsonObject local(Path layer) {
    JsonObject lower = new JsonObject();
    lower.addProperty("file", layer.toString());
    return lower;
  }

  /** A configuration over the registry. */
  JsonObject config(JsonObject... lowers) {
    JsonObject json = new JsonObject();
    json.addProperty("repoBlobUrl", "http://" + registry.host() + "/v2/test/app/blobs");
    JsonArray array = new JsonArray();
    List.of(lowers).forEach(array::add);
    json.add("lowers", array);
    return json;
  }

  Path write(String name, JsonObject config) throws IOException {
    Path file = Files.createDirectories(root.resolve(name)).resolve("config.v1.json");
    return Files.writeString(file, config.toString());
  }

  @Override
  public void close() throws IOException {
    registry.close();
  }
}
