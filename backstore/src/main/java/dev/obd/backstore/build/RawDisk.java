package dev.obd.backstore.build;

import dev.obd.format.qcow2.Qcow2;
import dev.obd.io.BlockSource;
import dev.obd.io.FileSource;
import java.io.IOException;
import java.nio.file.Path;

/** A disk in a file, raw or qcow2. */
public final class RawDisk {
  private RawDisk() {}

  /** Opens {@code file}; what starts as a qcow2 image is read as one. */
  public static BlockSource open(Path file) throws IOException {
    BlockSource source = FileSource.open(file);
    try {
      return Qcow2.isQcow2(source) ? Qcow2.open(source) : source;
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
