package dev.obd.backstore.download;

import dev.obd.backstore.config.DownloadConfig;
import dev.obd.backstore.source.RemoteSource;
import dev.obd.backstore.source.SwitchedSource;
import dev.obd.io.BlockSource;
import dev.obd.io.Ticker;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.client.Repositories;
import dev.obd.registry.http.RegistryOptions;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;

/** A process that downloads one blob, slowly, and may be killed. */
public final class DownloadVictim {
  private DownloadVictim() {}

  /** Starts it. */
  public static Process start(String registry, String digest, long size, Path directory)
      throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path").replace(':', File.pathSeparatorChar),
            DownloadVictim.class.getName(),
            registry,
            digest,
            Long.toString(size),
            directory.toString())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  public static void main(String[] args) throws Exception {
    var digest = new Digest(args[1]);
    long size = Long.parseLong(args[2]);
    try (var repositories = new Repositories(RegistryOptions.defaults());
        var threads = Executors.newCachedThreadPool()) {
      var repository = repositories.repository(ImageReference.parse(args[0] + "/test/app"));
      var descriptor = new Descriptor(MediaTypes.OCI_LAYER, digest, size);
      BlockSource remote = new RemoteSource(repository.open(descriptor));
      DownloadTask task =
          new DownloadTask(
              digest,
              size,
              Path.of(args[3]),
              () -> new RemoteSource(repository.open(descriptor)),
              new SwitchedSource(remote));
      var config =
          new DownloadConfig(true, Duration.ZERO, Duration.ofNanos(1), 4 << 20, 3, 64 << 10);
      var context = new DownloadContext(threads, Ticker.SYSTEM, () -> 0, new BusyDirectories(), 0);
      Downloads downloads = Downloads.start("victim", List.of(task), config, context);
      boolean _ = downloads.awaitEnd(Long.MAX_VALUE);
    }
  }
}
