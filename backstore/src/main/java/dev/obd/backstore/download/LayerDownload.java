package dev.obd.backstore.download;

import dev.obd.io.BlockSource;
import dev.obd.io.Deadline;
import dev.obd.io.FileSource;
import dev.obd.io.FormatException;
import dev.obd.io.ReadContext;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;

/**
 * Downloads one layer into {@code .download} of its directory, which becomes {@code
 * overlaybd.commit} once the digest of all of it was found right and it is on stable storage. What
 * a {@link PartialFile} has is not fetched again, unless the digest says that it is wrong.
 */
final class LayerDownload {
  static final String COMMIT = "overlaybd.commit";
  static final String PARTIAL = ".download";

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** What the download may do next, and whom it tells. */
  interface Progress {
    /** Called before each block: waits for its turn, false if the download is to stop. */
    boolean mayGoOn(long fetchBytes);

    /** {@code bytes} more are on disk; {@code fetched} says whether they came from the network. */
    void advanced(long bytes, boolean fetched);
  }

  private final DownloadTask task;
  private final DownloadContext context;
  private final int blockBytes;
  private final Progress progress;

  LayerDownload(DownloadTask task, DownloadContext context, int blockBytes, Progress progress) {
    this.task = task;
    this.context = context;
    this.blockBytes = blockBytes;
    this.progress = progress;
  }

  /**
   * Makes the layer local and switches to it. False if it was told to stop.
   *
   * @param afresh what is in the partial file is not trusted
   * @throws FormatException if the digest is wrong: next time it is to be fetched afresh
   */
  boolean run(boolean afresh) throws IOException {
    Path commit = task.directory().resolve(COMMIT);
    Files.createDirectories(task.directory());
    if (!isWhole(commit) && !fetch(commit, afresh)) {
      return false;
    }
    task.target().switchTo(FileSource.open(commit));
    return true;
  }

  /** It gets its name when it is whole; another length is none of ours. */
  private boolean isWhole(Path commit) throws IOException {
    return Files.exists(commit) && Files.size(commit) == task.sizeBytes();
  }

  private boolean fetch(Path commit, boolean afresh) throws IOException {
    Path partial = task.directory().resolve(PARTIAL);
    try (PartialFile file = PartialFile.open(partial, context.freeReserveBytes())) {
      if (isWhole(commit)) {
        return true; // made by another process while we came here; the file is no longer ours
      }
      file.setSize(task.sizeBytes());
      try {
        if (!fill(file, afresh)) {
          return false;
        }
      } catch (NoRoomException e) {
        file.empty(); // a full disk is everybody's trouble; a partial copy is nobody's need
        throw e;
      }
      file.publish(commit);
      return true;
    }
  }

  /** One pass: what is missing is fetched, and everything goes into the digest. */
  private boolean fill(PartialFile file, boolean afresh) throws IOException {
    MessageDigest digest = Digest.hasher();
    ByteBuffer block = ByteBuffer.allocateDirect((int) Math.min(blockBytes, task.sizeBytes()));
    try (BlockSource origin = task.origin().open()) {
      if (origin.size() != task.sizeBytes()) {
        throw new FormatException(origin.name(), 0, "size", task.sizeBytes(), origin.size());
      }
      for (long at = 0; at < task.sizeBytes(); at += block.capacity()) {
        block.clear().limit((int) Math.min(block.capacity(), task.sizeBytes() - at));
        boolean here = !afresh && file.isHere(at, block);
        if (!progress.mayGoOn(here ? 0 : block.limit())) {
          return false;
        }
        if (!here) {
          fetch(origin, at, block);
          file.write(at, block);
        }
        digest.update(block.rewind());
        progress.advanced(block.limit(), !here);
      }
      Digest found = Digest.finish(digest);
      if (!found.equals(task.digest())) {
        origin.evict(0, task.sizeBytes()); // what is cached of it may be what is wrong
        throw new FormatException(
            task.directory().resolve(PARTIAL).toString(), 0, "digest", task.digest(), found);
      }
    }
    return true;
  }

  private void fetch(BlockSource origin, long at, ByteBuffer block) throws IOException {
    block.rewind();
    var background =
        new ReadContext(ReadContext.Purpose.BACKGROUND, Deadline.after(context.ticker(), PATIENCE));
    background.run(() -> {
      origin.read(at, block);
      return block;
    });
    block.flip();
  }
}
