package dev.obd.backstore.prefetch;

import dev.obd.io.PendingFile;
import dev.obd.io.Ticker;
import dev.obd.io.UpdateLock;
import dev.obd.registry.Digest;
import dev.obd.trace.TraceFormatException;
import dev.obd.trace.runs.Run;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Runs that were recorded on this machine, in a file for each image: the digest of its manifest.
 * Whole or absent, and no larger than {@link Recordings#MAX_RUNS_BYTES}.
 */
public final class LocalRuns {
  private static final Logger log = LogManager.getLogger(LocalRuns.class);

  private final Path directory;

  /**
   * @param directory made when something is added
   */
  public LocalRuns(Path directory) {
    this.directory = directory;
  }

  /** The file of an image. */
  public Path file(Digest manifest) {
    return directory.resolve(manifest.hex() + ".runs");
  }

  /** True if something is recorded of an image. */
  public boolean has(Digest manifest) {
    return Files.exists(file(manifest));
  }

  /**
   * What is recorded of an image.
   *
   * @throws IOException if it cannot be read or is damaged
   */
  public Runs of(Digest manifest) throws IOException {
    Path file = file(manifest);
    if (!Files.exists(file)) {
      return Runs.NONE;
    }
    if (Files.size(file) > Recordings.MAX_RUNS_BYTES) {
      throw new IOException(
          file
              + ": expected at most "
              + Recordings.MAX_RUNS_BYTES
              + " bytes, got "
              + Files.size(file));
    }
    return RunsFile.read(file);
  }

  /** As {@link #add(Digest, Runs)}. */
  public Runs add(Digest manifest, Run run) throws IOException {
    return add(manifest, Runs.of(List.of(run)));
  }

  /**
   * Adds runs to those of an image. A file that is damaged gives way to them: it is called {@code
   * .damaged} then.
   *
   * @return all of them
   * @throws TraceFormatException if the file is of a version that is not known here; it stays
   */
  public Runs add(Digest manifest, Runs more) throws IOException {
    Files.createDirectories(directory);
    try (var _ = UpdateLock.take(file(manifest), Ticker.SYSTEM)) {
      Runs all = usable(manifest).merge(more);
      try (PendingFile out = PendingFile.create(file(manifest), PendingFile.Existing.REPLACE)) {
        ByteBuffer bytes = ByteBuffer.wrap(Recordings.encode(all));
        while (bytes.hasRemaining()) {
          out.channel().write(bytes);
        }
        out.commit();
      }
      return all;
    }
  }

  private Runs usable(Digest manifest) throws IOException {
    try {
      return of(manifest);
    } catch (TraceFormatException e) {
      if (e.field().equals("version")) {
        throw e;
      }
      Path file = file(manifest);
      Path aside = file.resolveSibling(file.getFileName() + ".damaged");
      Files.move(file, aside, StandardCopyOption.REPLACE_EXISTING);
      log.warn("runs.damaged file={} kept={} reason={}", file, aside, e.getMessage());
      return Runs.NONE;
    }
  }
}
