package dev.obd.backstore.disk;

import dev.obd.io.PendingFile.Existing;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Raw disks of images, each made once: {@code <hex>.raw}, named after the image's digest, with
 * {@code <hex>.json} that says where it comes from and whose age is its last use. Several processes
 * may use the directory: {@code <hex>.lock} is held by who makes or removes a disk, and shared by
 * who copies it. Thread-safe.
 */
public final class BaseDisks {
  private static final String RAW = ".raw";
  private static final String SIDECAR = ".json";
  private static final String WORK = ".work";
  private static final String LOCK = ".lock";
  private static final long POLL_NANOS = 200_000_000;

  private final Path directory;
  private final InstantSource clock;
  private final Ticker ticker;

  /** Reads nothing yet; the directory is made when a disk is. */
  public BaseDisks(Path directory, InstantSource clock, Ticker ticker) {
    this.directory = directory;
    this.clock = clock;
    this.ticker = ticker;
  }

  /**
   * One of them.
   *
   * @param image the image's digest
   * @param name what the image was called
   * @param sizeBytes of the disk
   * @param dataBytes of it that are no holes
   * @param lastUse when it was made or copied last
   */
  public record Entry(
      Digest image,
      String name,
      Path file,
      long sizeBytes,
      long dataBytes,
      Instant made,
      Instant lastUse) {}

  /** Makes a disk's bytes. */
  @FunctionalInterface
  public interface Maker {
    /**
     * Makes it.
     *
     * @param work a directory for what is needed on the way, which is there still if an earlier try
     *     was interrupted, and is removed afterwards
     * @param disk what is to be made; on the file system of {@code work}
     */
    void make(Path work, Path disk) throws IOException, InterruptedException;
  }

  /** A disk that stays as long as this is open. */
  public static final class Held implements Closeable {
    private final Path file;
    private final Sidecar about;
    private final FileChannel lock;

    private Held(Path file, Sidecar about, FileChannel lock) {
      this.file = file;
      this.about = about;
      this.lock = lock;
    }

    /** The raw disk; not to be written to. */
    public Path file() {
      return file;
    }

    /**
     * Copies it, with {@code <copy>.obd.json} that says where it comes from.
     *
     * @param sizeBytes of the copy, at least the disk's: what is beyond is a hole
     * @throws java.nio.file.FileAlreadyExistsException if {@code copy} exists and is to be kept
     */
    public DiskCopy.Method copy(Path copy, long sizeBytes, Existing existing) throws IOException {
      DiskCopy.Method method = DiskCopy.copy(file, copy, sizeBytes, existing);
      about.write(copy.resolveSibling(copy.getFileName() + ".obd.json"));
      return method;
    }

    @Override
    public void close() throws IOException {
      lock.close();
    }
  }

  /**
   * The disk of an image, which is made if it is not there. One process makes it; others wait for
   * that.
   *
   * @param name what the image is called, for {@link #list}
   * @param waiting is run once if another process is at it
   */
  public Held get(Digest image, String name, Maker maker, Runnable waiting)
      throws IOException, InterruptedException {
    Files.createDirectories(directory);
    boolean told = false;
    while (true) {
      @Nullable Held held = share(image);
      if (held != null) {
        return held;
      }
      try (@Nullable FileChannel lock = lock(image, false)) {
        if (lock != null && !Files.exists(file(image, RAW))) {
          make(image, name, maker);
        } else if (lock == null) {
          if (!told) {
            waiting.run();
            told = true;
          }
          ticker.sleep(POLL_NANOS);
        }
      }
    }
  }

  /** The disk, held and used now; null if it is not there, or somebody makes or removes it. */
  private @Nullable Held share(Digest image) throws IOException {
    @Nullable FileChannel lock = lock(image, true);
    if (lock == null) {
      return null;
    }
    if (!Files.exists(file(image, RAW))) {
      lock.close();
      return null;
    }
    try {
      Path sidecar = file(image, SIDECAR);
      Files.setLastModifiedTime(sidecar, FileTime.from(clock.instant()));
      return new Held(file(image, RAW), Sidecar.read(sidecar), lock);
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  private void make(Digest image, String name, Maker maker)
      throws IOException, InterruptedException {
    Path work = Files.createDirectories(file(image, WORK));
    Path disk = work.resolve("disk");
    maker.make(work, disk);
    new Sidecar(name, image.value(), clock.instant().toString()).write(file(image, SIDECAR));
    try (FileChannel content = FileChannel.open(disk, StandardOpenOption.WRITE)) {
      content.force(true);
    }
    Files.move(disk, file(image, RAW), StandardCopyOption.ATOMIC_MOVE);
    DiskCopy.sync(file(image, RAW));
    delete(work);
  }

  /** All that are there, the one used last first. */
  public List<Entry> list() throws IOException {
    List<Entry> all = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + RAW)) {
      for (Path file : files) {
        String text = file.getFileName().toString();
        String digest = "sha256:" + text.substring(0, text.length() - RAW.length());
        if (Digest.isDigest(digest)) {
          entry(new Digest(digest), file).ifPresent(all::add);
        }
      }
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    all.sort(Comparator.comparing(Entry::lastUse).reversed());
    return all;
  }

  private Optional<Entry> entry(Digest image, Path file) throws IOException {
    try {
      Path sidecar = file(image, SIDECAR);
      Sidecar about = Sidecar.read(sidecar);
      return Optional.of(
          new Entry(
              image,
              about.image(),
              file,
              Files.size(file),
              DiskCopy.dataBytes(file),
              about.madeAt(),
              Files.getLastModifiedTime(sidecar).toInstant()));
    } catch (NoSuchFileException e) {
      return Optional.empty(); // removed meanwhile
    }
  }

  /** True if somebody makes, copies or removes it just now. */
  public boolean inUse(Digest image) throws IOException {
    if (!Files.exists(file(image, LOCK))) {
      return false;
    }
    try (@Nullable FileChannel lock = lock(image, false)) {
      return lock == null;
    }
  }

  /**
   * Removes a disk, and what an interrupted making of it has left. Copies stay as they are.
   *
   * @return false if it is in use, or not there
   */
  public boolean remove(Digest image) throws IOException {
    if (!Files.exists(file(image, LOCK))) {
      return false;
    }
    try (@Nullable FileChannel lock = lock(image, false)) {
      if (lock == null) {
        return false;
      }
      // The lock's file stays: who waits for it and who comes next must mean the same.
      boolean there = Files.deleteIfExists(file(image, RAW));
      Files.deleteIfExists(file(image, SIDECAR));
      if (Files.exists(file(image, WORK))) {
        delete(file(image, WORK));
      }
      return there;
    }
  }

  private Path file(Digest image, String kind) {
    return directory.resolve(image.hex() + kind);
  }

  /** Held until the channel is closed; null if another has it. */
  private @Nullable FileChannel lock(Digest image, boolean shared) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file(image, LOCK),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    try {
      @Nullable FileLock lock = channel.tryLock(0, Long.MAX_VALUE, shared);
      if (lock != null) {
        return channel;
      }
    } catch (OverlappingFileLockException e) {
      // Another thread of this process has it: as good as another process.
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
    channel.close();
    return null;
  }

  private static void delete(Path tree) throws IOException {
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes a) throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException e)
              throws IOException {
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
