package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.Segment.SECTOR;

import dev.obd.io.BlockSource;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A layer that takes writes: a data file and an index file, either a log or (sparse) the disk in
 * place. Thread-safe; reads run beside writes. To be read as a disk, alone or over others, it is
 * put into a {@link WritableStack}.
 *
 * <p>The data file is locked against other writers, in this process and others. Closing any other
 * handle of the same file in this process would drop the lock towards other processes, as POSIX has
 * it; nothing here opens another one.
 *
 * <p>A thread that is interrupted while it reads or writes closes the files for all threads, as
 * {@code FileChannel} has it.
 */
public final class WritableLayer implements Closeable {
  private final StoreFile dataFile;
  private final LayerStore store;
  private final LiveMap map;
  private final LayerHeader header;
  private final List<String> warnings;
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile long virtualSize;
  private volatile boolean sealed;

  /**
   * @param header the one that counts: of the index file, or of a sparse data file
   */
  WritableLayer(
      StoreFile dataFile,
      LayerStore store,
      LiveMap map,
      LayerHeader header,
      List<String> warnings) {
    this.dataFile = dataFile;
    this.store = store;
    this.map = map;
    this.header = header;
    this.warnings = List.copyOf(warnings);
    this.virtualSize = header.virtualSize();
  }

  /**
   * Makes the two files and opens them.
   *
   * @throws java.nio.file.FileAlreadyExistsException if one exists; nothing is changed then
   */
  public static WritableLayer create(Path data, Path index, WritableOptions options)
      throws IOException {
    return WritableFiles.create(data, index, options);
  }

  /**
   * Opens a layer and repairs what a crash may have left: see {@link #warnings}.
   *
   * @throws dev.obd.io.FormatException if the files are no writable layer, or are damaged in a way
   *     that no crash explains
   * @throws IOException also if another writer has it open
   */
  public static WritableLayer open(Path data, Path index) throws IOException {
    return WritableFiles.open(data, index);
  }

  /** What had to be dropped when the layer was opened: unfinished, never flushed writes. */
  public List<String> warnings() {
    return warnings;
  }

  /** Size of the disk in bytes; 0 until it is inherited from the stack below. */
  public long virtualSize() {
    return virtualSize;
  }

  /** The layer's id. */
  public UUID uuid() {
    return header.uuid();
  }

  /** The id of the layer below. */
  public UUID parentUuid() {
    return header.parentUuid();
  }

  /** True if blocks lie in place in a sparse file. */
  public boolean sparse() {
    return header.has(LayerHeader.SPARSE);
  }

  /** Path of the data file. */
  public String name() {
    return dataFile.name();
  }

  /** How many segments the layer maps now. */
  public int segments() {
    return map.count();
  }

  /**
   * Writes all of {@code src}; {@link #flush} makes it durable. If this fails, the range holds old
   * or new bytes per sector, everything else is as it was, and the layer stays usable.
   *
   * @param offset bytes, like the length a multiple of 512
   * @throws EOFException if the range leaves the disk
   */
  public void write(long offset, ByteBuffer src) throws IOException {
    check(offset, src.remaining());
    store.write(offset, src);
  }

  /** The range reads as zeros from now on; otherwise as {@link #write}. */
  public void discard(long offset, long length) throws IOException {
    check(offset, length);
    store.discard(offset, length);
  }

  /**
   * Returns once everything written before is on stable storage. After a failed sync of the file
   * system the layer refuses further writes and flushes; it can still be read.
   */
  public void flush() throws IOException {
    store.flush();
  }

  /** Changes the size of the disk, durably. A sparse layer can only grow. */
  public void resize(long newSize) throws IOException {
    WritableOptions.requireSize(newSize);
    failIfSealed();
    store.resize(newSize);
    virtualSize = newSize;
  }

  private void check(long offset, long length) throws IOException {
    failIfSealed();
    if (offset % SECTOR != 0 || length % SECTOR != 0) {
      throw new IllegalArgumentException(
          name() + ": offset " + offset + " or length " + length + " is no multiple of 512");
    }
    if (offset < 0 || length < 0 || offset > virtualSize - length) {
      throw new EOFException(
          name()
              + ": write of "
              + length
              + " bytes at "
              + offset
              + " leaves its "
              + virtualSize
              + " bytes");
    }
  }

  private void failIfSealed() throws IOException {
    if (sealed) {
      throw new IOException(name() + ": sealed, takes no more writes");
    }
  }

  /** What the layer maps now. Its data does not change if the layer is a log. */
  public SegmentIndex snapshot() {
    return map.toIndex();
  }

  void find(long sector, Extent at) {
    map.find(sector, at);
  }

  void readData(long offset, ByteBuffer dst) throws IOException {
    dataFile.read(offset, dst);
  }

  /** The data file, to be read at the places that {@link #snapshot} names. */
  BlockSource data() {
    return new LayerData(dataFile);
  }

  void stackOn(LayerStack lower) {
    store.stackOn(lower);
  }

  /** Appends index and trailer to the data file; see {@link LayerSealer}. */
  void seal() throws IOException {
    failIfSealed();
    sealed = true;
    boolean done = false;
    try {
      store.flush();
      LayerSealer.append(dataFile, store.dataEnd(), map.toIndex());
      done = true;
    } finally {
      sealed = done;
    }
  }

  /** Flushes and closes the files; they are closed even if the flush fails. */
  @Override
  public void close() throws IOException {
    if (closed.compareAndSet(false, true)) {
      Closeable flush = store::flush;
      Closing.all(List.of(flush, store));
    }
  }
}
