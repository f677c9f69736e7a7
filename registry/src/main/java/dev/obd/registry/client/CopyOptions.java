package dev.obd.registry.client;

import dev.obd.registry.Platform;
import dev.obd.registry.Progress;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * How to copy an image.
 *
 * @param parallel blobs in flight at most
 * @param executor runs them; may have fewer threads
 * @param platform which image of an index to copy; empty for all, with their index
 * @param metadataOnly manifests and configs only: layers stay where they are
 * @param progress of all blobs together; called by one thread at a time
 */
public record CopyOptions(
    int parallel,
    Executor executor,
    Optional<Platform> platform,
    boolean metadataOnly,
    Progress progress) {
  public CopyOptions {
    if (parallel < 1) {
      throw new IllegalArgumentException("parallel: expected at least 1, got " + parallel);
    }
  }

  /** This machine's image with all its blobs, four at a time. */
  public static CopyOptions defaults(Executor executor) {
    return new CopyOptions(4, executor, Optional.of(Platform.current()), false, Progress.NONE);
  }

  public CopyOptions withMetadataOnly(boolean replacement) {
    return new CopyOptions(parallel, executor, platform, replacement, progress);
  }

  public CopyOptions withPlatform(Optional<Platform> replacement) {
    return new CopyOptions(parallel, executor, replacement, metadataOnly, progress);
  }

  public CopyOptions withProgress(Progress replacement) {
    return new CopyOptions(parallel, executor, platform, metadataOnly, replacement);
  }

  public CopyOptions withParallel(int replacement) {
    return new CopyOptions(replacement, executor, platform, metadataOnly, progress);
  }
}
