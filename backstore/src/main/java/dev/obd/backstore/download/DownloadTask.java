package dev.obd.backstore.download;

import dev.obd.backstore.source.SwitchedSource;
import dev.obd.io.BlockSource;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.file.Path;

/**
 * One layer to download.
 *
 * @param digest of the whole raw blob
 * @param sizeBytes of it
 * @param directory where it goes, as {@code overlaybd.commit}; made if it is missing
 * @param origin opens the blob for one try
 * @param target reads from the local copy once it is whole
 */
public record DownloadTask(
    Digest digest, long sizeBytes, Path directory, Origin origin, SwitchedSource target) {
  /** Opens the remote blob; what it returns is closed after the try. */
  @FunctionalInterface
  public interface Origin {
    BlockSource open() throws IOException;
  }
}
