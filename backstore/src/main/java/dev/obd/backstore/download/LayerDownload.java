package dev.obd.backstore.download;

import dev.obd.io.BlockSource;
import dev.obd.io.Deadline;
import dev.obd.io.FileSource;
import dev.obd.io.FormatException;
import dev.obd.io.ReadContext;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;

/**
 * Downloads one layer into {@code .download} of its directory, which becomes {@code
 * overlaybd.commit} once the digest of all of it was found right and it is on stable storage.
 *
 * <p>The partial file is sparse, and its content is its own journal: a block of which some page is
 * all zeros counts as missing. So a process may be killed at any point, on any file system, and the
 * next one goes on where it ended; a blob's own pages of zeros are fetched twice at worst. What a
 * crash of the machine leaves is caught by the digest, and fetched again as a whole.
 */
final class LayerDownload {
  static final String COMMIT = "overlaybd.commit";
  static final String PARTIAL = ".download";

  private static final int PAGE = 4096;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** What the download may do next, and whom it tells. */
  interface Progress {
    /** Called before each block: waits for its turn, false if the download is to stop. */
    boolean mayGoOn(long fetchBytes);

    /** {@code bytes} more are on disk; {@code fetched} says whether they came from the network. */
    void advanced(long bytes, boolean fetched);
  }

  /** Another process downloads this layer. */
  static final class BusyElsewhere extends IOException {
    private static final long serialVersionUID = 1;

    BusyElsewhere(Path file) {
      super(file + ": another process downloads it");
    }
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
    if (!Files.exists(commit) && !fetch(commit, afresh)) {
      return false;
    }
    task.target().switchTo(FileSource.open(commit));
    return true;
  }

  private boolean fetch(Path commit, boolean afresh) throws IOException {
    Path partial = task.directory().resolve(PARTIAL);
    try (FileChannel file =
            FileChannel.open(
                partial,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        FileLock _ = lock(file, partial)) {
      if (Files.exists(commit)) {
        return true; // made by another process while we came here; the file is no longer ours
      }
      try (var length = new RandomAccessFile(partial.toFile(), "rw")) {
        length.setLength(task.sizeBytes());
      }
      try {
        if (!fill(file, afresh)) {
          return false;
        }
      } catch (NoRoomException e) {
        // A full disk is everybody's trouble; a partial copy is nobody's need. Emptied, not
        // removed:
        // who waits for this lock and who comes next must mean the same file.
        file.truncate(0);
        throw e;
      }
      file.force(true);
      Files.move(partial, commit, StandardCopyOption.ATOMIC_MOVE);
      sync(task.directory());
      return true;
    }
  }

  private static FileLock lock(FileChannel file, Path path) throws IOException {
    FileLock lock;
    try {
      lock = file.tryLock();
    } catch (OverlappingFileLockException e) {
      throw new BusyElsewhere(path);
    }
    if (lock == null) {
      throw new BusyElsewhere(path);
    }
    return lock;
  }

  /** One pass: what is missing is fetched, and everything goes into the digest. */
  private boolean fill(FileChannel file, boolean afresh) throws IOException {
    MessageDigest digest = sha256();
    ByteBuffer block = ByteBuffer.allocateDirect((int) Math.min(blockBytes, task.sizeBytes()));
    FileStore store = Files.getFileStore(task.directory());
    try (BlockSource origin = task.origin().open()) {
      if (origin.size() != task.sizeBytes()) {
        throw new FormatException(origin.name(), 0, "size", task.sizeBytes(), origin.size());
      }
      for (long at = 0; at < task.sizeBytes(); at += block.capacity()) {
        block.clear().limit((int) Math.min(block.capacity(), task.sizeBytes() - at));
        boolean here = !afresh && isHere(file, at, block);
        if (!progress.mayGoOn(here ? 0 : block.limit())) {
          return false;
        }
        if (!here) {
          fetch(origin, at, block);
          store(file, at, block, store);
        }
        digest.update(block.rewind());
        progress.advanced(block.limit(), !here);
      }
    }
    String found = "sha256:" + HexFormat.of().formatHex(digest.digest());
    if (!found.equals(task.digest().value())) {
      throw new FormatException(
          task.directory().resolve(PARTIAL).toString(), 0, "digest", task.digest().value(), found);
    }
    return true;
  }

  /** Reads a block; false if some page of it is all zeros, or cannot be read. */
  private static boolean isHere(FileChannel file, long at, ByteBuffer block) {
    try {
      while (block.hasRemaining()) {
        if (file.read(block, at + block.position()) < 0) {
          return false;
        }
      }
    } catch (IOException e) {
      return false; // a bad sector: written again
    }
    for (int page = 0; page < block.limit(); page += PAGE) {
      if (isZero(block, page, Math.min(PAGE, block.limit() - page))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isZero(ByteBuffer block, int from, int length) {
    for (int i = from; i < from + length; i++) {
      if (block.get(i) != 0) {
        return false;
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

  private void store(FileChannel file, long at, ByteBuffer block, FileStore store)
      throws IOException {
    if (store.getUsableSpace() < context.freeReserveBytes() + block.limit()) {
      throw new NoRoomException(
          task.directory()
              + ": no room: less than "
              + context.freeReserveBytes()
              + " bytes would be left free",
          null);
    }
    try {
      while (block.hasRemaining()) {
        file.write(block, at + block.position());
      }
    } catch (IOException e) {
      throw new NoRoomException(task.directory() + ": " + e.getMessage(), e);
    }
  }

  private static void sync(Path directory) throws IOException {
    try (FileChannel itself = FileChannel.open(directory, StandardOpenOption.READ)) {
      itself.force(true);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }
}
