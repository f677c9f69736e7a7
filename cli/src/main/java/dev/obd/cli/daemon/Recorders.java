package dev.obd.cli.daemon;

import dev.obd.backstore.audit.AuditLog;
import dev.obd.backstore.metrics.Metrics;
import dev.obd.backstore.source.ReadRecorder;
import dev.obd.backstore.source.ReadRecorders;
import java.util.Optional;

/** Tells the metrics and the audit log of reads. */
record Recorders(Metrics metrics, Optional<AuditLog> audit) implements ReadRecorders {
  @Override
  public ReadRecorder cached(String name) {
    return metrics.pread();
  }

  @Override
  public ReadRecorder remote(String name) {
    return audit.map(log -> metrics.download().and(log.remote(name))).orElseGet(metrics::download);
  }

  @Override
  public ReadRecorder background(String name) {
    return audit
        .map(log -> metrics.download().and(log.background(name)))
        .orElseGet(metrics::download);
  }

  @Override
  public ReadRecorder local(String name) {
    return audit.map(log -> log.local(name)).orElse(ReadRecorder.NONE);
  }
}
