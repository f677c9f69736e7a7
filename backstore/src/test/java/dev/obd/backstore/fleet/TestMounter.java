package dev.obd.backstore.fleet;

import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.Mounter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A mount table that mounts nothing. */
final class TestMounter implements Mounter {
  final List<Mounted> table = new CopyOnWriteArrayList<>();
  final Set<Path> stuck = ConcurrentHashMap.newKeySet();
  volatile boolean busy;
  volatile boolean broken;

  @Override
  public Optional<String> unavailableBecause() {
    return Optional.empty();
  }

  @Override
  public void mount(Path node, Path directory, String fsType, String options, boolean readOnly)
      throws IOException {
    if (broken) {
      throw new IOException("bad superblock");
    }
    table.add(new Mounted(directory, fsType, node.toString()));
  }

  @Override
  public void unmount(Path directory, boolean force) throws IOException {
    if (busy && !force) {
      throw new BusyException(directory + " is in use");
    }
    if (stuck.contains(directory)) {
      throw new IOException(directory + " does not answer");
    }
    table.removeIf(m -> m.at().equals(directory));
  }

  @Override
  public List<Mounted> mounts() {
    return List.copyOf(table);
  }
}
