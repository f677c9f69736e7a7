package dev.obd.backstore.metrics;

import dev.obd.backstore.source.ReadRecorder;
import dev.obd.io.Ticker;

/**
 * The metrics of overlaybd's exporter, for dashboards that know them, spelt as it spells them. Its
 * time stamps are left out: they count from the machine's start, which Prometheus would take for
 * 1970.
 */
final class OverlaybdMetrics implements Source {
  private final String host;
  private final Traffic pread;
  private final Traffic download;

  OverlaybdMetrics(String host, Ticker ticker) {
    this.host = host;
    this.pread = new Traffic(ticker);
    this.download = new Traffic(ticker);
  }

  /** Reads through the cache. */
  ReadRecorder pread() {
    return pread;
  }

  /** Reads from registries. */
  ReadRecorder download() {
    return download;
  }

  @Override
  public void addTo(Families families) {
    families.gauge("OverlayBD_Alive", "", 1, "node", host);
    traffic(families, "pread", pread);
    traffic(families, "download", download);
  }

  /** What the source is called lands in the label of the node, as it always did. */
  private static void traffic(Families families, String name, Traffic traffic) {
    String[] labels = {"node", name, "type", "", "mode", ""};
    families.gauge("OverlayBD_Read_Throughtput", "Bytes / sec", traffic.bytesPerSecond(), labels);
    families.gauge("OverlayBD_QPS", "", traffic.callsPerSecond(), labels);
    families.gauge("OverlayBD_MaxLatency", "us", traffic.longestNanos() / 1000, labels);
    families.gauge("OverlayBD_Count", "Bytes", traffic.totalBytes(), "node", name, "type", "");
  }
}
