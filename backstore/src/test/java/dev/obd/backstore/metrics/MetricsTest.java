package dev.obd.backstore.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.prefetch.ReplayStats;
import dev.obd.io.BlockSources;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import dev.obd.testdata.Tools;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsTest {
  @TempDir private Path directory;
  private final ManualTicker ticker = new ManualTicker();
  private final List<DeviceSample> devices = new ArrayList<>();

  private static final class ManualTicker implements Ticker {
    long now = 1_000_000_000_000L;

    @Override
    public long nanos() {
      return now;
    }

    @Override
    public void sleep(long nanos) {
      now += nanos;
    }
  }

  private static DeviceSample sample(String name, BlockDevice device) {
    return new DeviceSample(
        name,
        "serving",
        Optional.of(device.stats()),
        Optional.of(new ReplayStats(ReplayStats.State.DONE, 9, 1, 4, 4096, 5, 4000, 1)),
        true);
  }

  @Test
  void promtoolFindsNothingToComplainOf() throws Exception {
    Tools.requireOnPath("promtool");
    try (Metrics metrics = new Metrics("1.0", "host-1", ticker);
        BlobCache cache = BlobCache.open(CacheConfig.in(directory.resolve("c")), Ticker.SYSTEM);
        BlockDevice device = device()) {
      byte[] blob = new byte[100_000];
      try (var source =
          cache.source(Digest.of(blob), BlockSources.ofBytes("blob", ByteBuffer.wrap(blob)))) {
        source.read(0, ByteBuffer.allocate(5000));
      }
      metrics.addCache(cache);
      metrics.addDevices(() -> List.of(sample("a \"quoted\\ name\n", device)));
      Path text = Files.writeString(directory.resolve("metrics.txt"), metrics.text());
      Process check =
          new ProcessBuilder("promtool", "check", "metrics")
              .redirectInput(text.toFile())
              .redirectErrorStream(true)
              .start();
      String said = new String(check.getInputStream().readAllBytes());
      assertThat(check.waitFor(30, TimeUnit.SECONDS)).isTrue();
      // 3 stands for advice on names; overlaybd's are as they are, and the JVM's are Micrometer's.
      assertThat(check.exitValue()).as(said).isIn(0, 3);
      assertThat(said.lines().filter(l -> !l.startsWith("OverlayBD_") && !l.startsWith("jvm_")))
          .isEmpty();
    }
  }

  private static BlockDevice device() {
    var device = new BlockDevice("d", MemoryDisk.writable(1 << 20), DeviceOptions.DEFAULTS);
    device.serve(new Request.Read(0, ByteBuffer.allocate(4096)));
    device.serve(new Request.Read(1 << 30, ByteBuffer.allocate(4096)));
    return device;
  }

  @Test
  void theOriginalsNamesAndLabelsAreAsItSpellsThem() {
    try (Metrics metrics = new Metrics("1.0", "host-1", ticker)) {
      metrics.pread().read(0, 410, 7_000_000, true);
      metrics.download().read(0, 100, 9_000_000, false);
      ticker.now += 1_000_000_000L;
      String text = metrics.text();
      assertThat(text.lines())
          .contains(
              "# TYPE OverlayBD_Alive gauge",
              "OverlayBD_Alive{node=\"host-1\"} 1.0",
              "# HELP OverlayBD_Read_Throughtput Bytes / sec",
              "# TYPE OverlayBD_Read_Throughtput gauge",
              "OverlayBD_Read_Throughtput{mode=\"\",node=\"pread\",type=\"\"} 410.0",
              "OverlayBD_QPS{mode=\"\",node=\"pread\",type=\"\"} 1.0",
              "OverlayBD_QPS{mode=\"\",node=\"download\",type=\"\"} 1.0",
              "OverlayBD_MaxLatency{mode=\"\",node=\"pread\",type=\"\"} 7000.0",
              "OverlayBD_Count{node=\"pread\",type=\"\"} 410.0",
              "OverlayBD_Count{node=\"download\",type=\"\"} 0.0");
      ticker.now += 1_000_000_000L;
      assertThat(metrics.text()).contains("OverlayBD_QPS{mode=\"\",node=\"pread\",type=\"\"} 0.0");
      assertThat(metrics.text())
          .contains("OverlayBD_MaxLatency{mode=\"\",node=\"pread\",type=\"\"} 7000.0");
      ticker.now += 10_000_000_000L;
      assertThat(metrics.text())
          .contains("OverlayBD_MaxLatency{mode=\"\",node=\"pread\",type=\"\"} 0.0");
    }
  }

  @Test
  void aDeviceIsInTheNumbersAsLongAsItIsThere() throws Exception {
    try (Metrics metrics = new Metrics("1.0", "h", ticker);
        BlockDevice device = device()) {
      metrics.addDevices(() -> devices);
      assertThat(metrics.text()).contains("obd_devices{state=\"parked\"} 0.0");
      devices.add(sample("one", device));
      devices.add(new DeviceSample("two", "parked", Optional.empty(), Optional.empty(), false));
      String text = metrics.text();
      assertThat(text)
          .contains("obd_device_bytes_total{device=\"one\",op=\"read\"} 4096.0")
          .contains("obd_device_failures_total{device=\"one\",status=\"out_of_range\"} 1.0")
          .contains("obd_device_request_seconds_bucket{device=\"one\",op=\"read\",le=\"+Inf\"} 1")
          .contains("obd_device_request_seconds_count{device=\"one\",op=\"read\"} 1")
          .contains("obd_devices{state=\"parked\"} 1.0");
      devices.clear();
      assertThat(metrics.text()).doesNotContain("device=\"one\"");
    }
  }

  @Test
  void thousandsOfDevicesDoNotMakeThousandsOfLabels() throws Exception {
    try (Metrics metrics = new Metrics("1.0", "h", ticker);
        BlockDevice device = device()) {
      metrics.addDevices(() -> devices);
      for (int i = 0; i < 2000; i++) {
        devices.add(sample(String.format("d%04d", i), device));
      }
      List<String> bytes =
          metrics.text().lines().filter(l -> l.startsWith("obd_device_bytes_total{")).toList();
      assertThat(bytes).hasSize(257);
      assertThat(bytes)
          .contains(
              "obd_device_bytes_total{device=\"other\",op=\"read\"} " + (2000 - 256) * 4096.0);
    }
  }
}
