package dev.obd.backstore.build;

import dev.obd.format.zfile.ZFileWriterOptions;
import dev.obd.io.PendingFile;
import java.util.Optional;

/**
 * How a stream becomes a file: plain or compressed, bare or in a tar.
 *
 * @param zfile compression; empty writes the stream as it is
 * @param tar wrapped in the tar that overlaybd's tools write
 * @param existing what becomes of a file that is there already
 */
public record OutputOptions(
    Optional<ZFileWriterOptions> zfile, boolean tar, PendingFile.Existing existing) {
  /** The plain stream in a new file. */
  public static final OutputOptions PLAIN =
      new OutputOptions(Optional.empty(), false, PendingFile.Existing.KEEP);
}
