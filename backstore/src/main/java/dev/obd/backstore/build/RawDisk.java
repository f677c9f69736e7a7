package dev.obd.backstore.build;

import dev.obd.format.qcow2.BackingFiles;
import dev.obd.format.qcow2.Qcow2;
import dev.obd.io.BlockSource;
import dev.obd.io.FileSource;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** A disk in a file, raw or qcow2. */
public final class RawDisk {
  private RawDisk() {}

  /**
   * Opens {@code file}; what starts as a qcow2 image is read as one. Images below it may lie in the
   * same directory or under it, and nowhere else: their names come from the image.
   */
  public static BlockSource open(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new FileSystemException(file.toString(), null, "is a directory; expected a disk");
    }
    BlockSource source = FileSource.open(file);
    try {
      Path directory =
          Objects.requireNonNull(file.toRealPath().getParent(), "a file has a directory");
      return Qcow2.isQcow2(source) ? Qcow2.open(source, BackingFiles.in(directory)) : source;
    } catch (IOException | RuntimeException e) {
      try {
        source.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }
}
