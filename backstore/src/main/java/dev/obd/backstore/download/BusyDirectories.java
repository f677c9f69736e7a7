package dev.obd.backstore.download;

import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Directories in which a layer is being downloaded by this process: devices that share a layer take
 * turns. Thread-safe.
 */
public final class BusyDirectories {
  private final Set<Path> busy = ConcurrentHashMap.newKeySet();

  boolean enter(Path directory) {
    return busy.add(key(directory));
  }

  void leave(Path directory) {
    busy.remove(key(directory));
  }

  private static Path key(Path directory) {
    return directory.toAbsolutePath().normalize();
  }
}
