package dev.obd.backstore.nbd;

import dev.obd.backstore.device.BlockDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** The exports of one server, by name. Thread-safe. */
final class Exports {
  private final ConcurrentSkipListMap<String, NbdExport> byName = new ConcurrentSkipListMap<>();
  private final @Nullable String defaultName;

  Exports(@Nullable String defaultName) {
    this.defaultName = defaultName;
  }

  NbdExport add(String name, BlockDevice device, @Nullable Executor threads) {
    if (name.getBytes(java.nio.charset.StandardCharsets.UTF_8).length > Protocol.MAX_STRING) {
      throw new IllegalArgumentException("export name: longer than 4096 bytes");
    }
    var export = new NbdExport(name, device, threads);
    if (byName.putIfAbsent(name, export) != null) {
      throw new IllegalArgumentException("export name: \"" + name + "\" is taken");
    }
    return export;
  }

  boolean remove(NbdExport export) {
    return byName.remove(export.name(), export);
  }

  /** The empty name means the default export, or the only one if none was made the default. */
  @Nullable NbdExport find(String name) {
    NbdExport exact = byName.get(name);
    if (exact != null || !name.isEmpty()) {
      return exact;
    }
    if (defaultName != null) {
      return byName.get(defaultName);
    }
    List<NbdExport> all = all();
    return all.size() == 1 ? all.getFirst() : null;
  }

  /** In order of their names. */
  List<NbdExport> all() {
    return new ArrayList<>(byName.values());
  }
}
