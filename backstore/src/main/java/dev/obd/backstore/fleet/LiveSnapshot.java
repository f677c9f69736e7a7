package dev.obd.backstore.fleet;

import dev.obd.backstore.config.DeviceConfig;
import dev.obd.backstore.config.DeviceConfigReader;
import dev.obd.backstore.image.ImagePlan.UpperFiles;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;

/**
 * Seals a device's writable layer and goes on with the one of a new configuration, which takes the
 * place of the device's own. The new configuration's lower layers are not looked at, as in the
 * original.
 */
final class LiveSnapshot {
  private LiveSnapshot() {}

  static void make(OpenDevice device, Path newFile) throws IOException {
    Path currentFile = Path.of(device.source());
    synchronized (device) { // one at a time
      DeviceConfig now = read(currentFile);
      DeviceConfig next = read(newFile);
      DeviceConfig.Upper old =
          now.upper().orElseThrow(() -> new IOException(currentFile + ": upper: there is none"));
      DeviceConfig.Upper fresh =
          next.upper().orElseThrow(() -> new IOException(newFile + ": upper: there is none"));
      if (device.image().stack().isEmpty()) {
        throw new IOException(currentFile + ": lowers: there are none");
      }
      if (fresh.target().isPresent()) {
        throw new IOException(newFile + ": upper.target: turboOCI layers cannot be opened");
      }
      requireOthers(newFile, fresh, old);
      if (!Files.getFileStore(newFile).equals(Files.getFileStore(currentFile))) {
        // Found out before the device has moved on, and not after it.
        throw new IOException(newFile + ": lies on another file system than " + currentFile);
      }
      // Before the first write goes to the new layer: what is written there after that is found by
      // the next process, whenever this one dies.
      device
          .image()
          .restack(
              new UpperFiles(fresh.data(), fresh.index()), () -> replace(currentFile, newFile));
    }
  }

  private static void replace(Path file, Path by) throws IOException {
    Files.move(by, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    sync(folder(file));
  }

  private static DeviceConfig read(Path file) throws IOException {
    return DeviceConfigReader.read(file, folder(file));
  }

  private static Path folder(Path file) {
    return Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file has a folder");
  }

  private static void requireOthers(Path file, DeviceConfig.Upper fresh, DeviceConfig.Upper old)
      throws IOException {
    for (Path needed : List.of(fresh.data(), fresh.index())) {
      if (!Files.exists(needed)) {
        throw new NoSuchFileException(needed.toString());
      }
      for (Path used : List.of(old.data(), old.index())) {
        if (Files.exists(used) && Files.isSameFile(needed, used)) {
          throw new IOException(file + ": upper: " + needed + " is in use already");
        }
      }
    }
    if (Files.isSameFile(fresh.data(), fresh.index())) {
      throw new IOException(file + ": upper: data and index are one file");
    }
  }

  private static void sync(Path directory) throws IOException {
    try (FileChannel itself = FileChannel.open(directory, StandardOpenOption.READ)) {
      itself.force(true);
    }
  }
}
