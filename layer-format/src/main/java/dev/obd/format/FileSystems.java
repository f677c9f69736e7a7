package dev.obd.format;

import dev.obd.format.erofs.ErofsReader;
import dev.obd.format.ext4.Ext4Reader;
import dev.obd.format.files.FileSystemReader;
import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import java.io.IOException;

/** Finds out which file system is on a disk. */
public final class FileSystems {
  private FileSystems() {}

  /**
   * Opens the file system on {@code disk}, one that was not unmounted too: what is only in its
   * journal is not seen.
   *
   * @throws FormatException if there is none that is known here, or it is damaged or not supported
   */
  public static FileSystemReader open(BlockSource disk) throws IOException {
    if (Ext4Reader.isExt4(disk)) {
      return Ext4Reader.openWithoutRecovery(disk);
    }
    if (ErofsReader.isErofs(disk)) {
      return ErofsReader.open(disk);
    }
    throw new FormatException(disk.name(), 1024, "superblock", "that of ext4 or erofs", "another");
  }
}
