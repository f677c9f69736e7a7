package dev.obd.format.lsmt;

import java.io.Closeable;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The index file of a writable layer and the records that still wait for it. Not thread-safe:
 * {@link AppendStore} guards the pending side and the file side with a lock each.
 */
final class Journal {
  /** How many records may wait. */
  static final int MAX_PENDING = 4096;

  /** Records on their way to the file. */
  record Batch(SegmentIndex records) {
    static final Batch EMPTY = new Batch(SegmentIndex.EMPTY);

    boolean isEmpty() {
      return records.count() == 0;
    }
  }

  private final StoreFile file;
  private final Optional<UnflushedRecords> unflushed;
  private final Batch late;
  private long fileEnd;
  private long total;
  private long[] pending = new long[128];
  private int pendingCount;

  /**
   * @param fileEnd where the next record goes
   * @param unflushed keeps those that wait; closed with this
   * @param late that waited when the last process died
   */
  Journal(StoreFile file, long fileEnd, Optional<UnflushedRecords> unflushed, SegmentIndex late) {
    this.file = file;
    this.unflushed = unflushed;
    this.fileEnd = fileEnd;
    this.late = new Batch(late);
    this.total = (fileEnd - LayerHeader.BYTES) / Segment.BYTES + late.count();
  }

  StoreFile file() {
    return file;
  }

  /** What waited when the last process died, before all others; it is kept already. */
  Batch late() {
    return late;
  }

  /** True if {@link #add} must wait for {@link #take}. */
  boolean full() {
    return pendingCount == MAX_PENDING;
  }

  /** Fails if the file would get longer than can be loaded. */
  void checkTotal() throws IOException {
    if (total >= SegmentIndex.MAX_RECORDS) {
      throw new IOException(
          file.name() + ": full, " + SegmentIndex.MAX_RECORDS + " records; commit the layer");
    }
  }

  /** Adds a record to those that wait; it outlives this process from now on. */
  void add(long word0, long word1) throws IOException {
    if (unflushed.isPresent()) {
      unflushed.get().put(total + 1, word0, word1);
    }
    if (2 * pendingCount == pending.length) {
      pending = Arrays.copyOf(pending, 2 * pending.length);
    }
    pending[2 * pendingCount] = word0;
    pending[2 * pendingCount + 1] = word1;
    pendingCount++;
    total++;
  }

  boolean isEmpty() {
    return pendingCount == 0;
  }

  /** Takes the records that wait, in the order they came. */
  Batch take() {
    if (pendingCount == 0) {
      return Batch.EMPTY;
    }
    var batch = new Batch(new SegmentIndex(Arrays.copyOf(pending, 2 * pendingCount), pendingCount));
    pendingCount = 0;
    return batch;
  }

  /** Appends all of {@code batch} to the file, or nothing. */
  void append(Batch batch) throws IOException {
    long at = fileEnd;
    RecordBytes.write(batch.records(), batch.records().count(), bytes -> file.append(at, bytes));
    fileEnd = at + (long) batch.records().count() * Segment.BYTES;
  }

  /** It is unknown what the files have: records that wait shall not be found by others. */
  void forgetPending() throws IOException {
    if (unflushed.isPresent()) {
      unflushed.get().forget();
    }
  }

  /**
   * Closes the files.
   *
   * @param complete whether the index file has all records
   */
  void close(boolean complete) throws IOException {
    if (unflushed.isPresent()) {
      Closeable delete = complete ? unflushed.get()::delete : () -> {};
      Closing.all(List.of(file, delete, unflushed.get()));
    } else {
      file.close();
    }
  }
}
