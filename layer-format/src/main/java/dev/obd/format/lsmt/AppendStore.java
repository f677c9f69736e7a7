package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.Segment.SECTOR;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Blocks appended to a data file, records to an index file. A record goes to its file only once its
 * data is on stable storage: after a crash of the machine the index never points to data that is
 * not there, and what was flushed is found. Until then it is among the {@link UnflushedRecords}:
 * after the death of the process everything that was written is found.
 *
 * <p>Lock order: {@link #flushing}, {@link #appending}, the map's.
 */
final class AppendStore implements LayerStore {
  /** The longest record of a write, as upstream. */
  static final int MAX_WRITE = 4 << 20;

  private final StoreFile data;
  private final Journal journal;
  private final LiveMap map;

  /** Guards {@link #end}, the journal's pending side, {@link #tag}. */
  private final ReentrantLock appending = new ReentrantLock();

  /** Guards the journal's file side and {@link #unwritten}. */
  private final ReentrantLock flushing = new ReentrantLock();

  private long end;
  private int tag;
  private Journal.Batch unwritten;

  /** Set once it is unknown what is on stable storage. */
  private volatile @Nullable IOException broken;

  /**
   * @param end where to append, a multiple of 512
   */
  AppendStore(StoreFile data, Journal journal, LiveMap map, long end) {
    this.data = data;
    this.journal = journal;
    this.map = map;
    this.end = end;
    this.unwritten = journal.late();
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    long at = offset;
    while (src.hasRemaining()) {
      int n = Math.min(MAX_WRITE, src.remaining());
      append(at, src.slice(src.position(), n));
      src.position(src.position() + n);
      at += n;
    }
  }

  private void append(long offset, ByteBuffer piece) throws IOException {
    int n = piece.remaining();
    lockWithRoom();
    try {
      // A failed append is cut off again and nothing points to it.
      data.append(end, piece);
      record(Segment.word0(offset / SECTOR, n / SECTOR), false);
      end += n;
    } finally {
      appending.unlock();
    }
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    long sectors = length / SECTOR;
    for (long done = 0; done < sectors; ) {
      long n = Math.min(Segment.MAX_LENGTH, sectors - done);
      lockWithRoom();
      try {
        record(Segment.word0(offset / SECTOR + done, n), true);
      } finally {
        appending.unlock();
      }
      done += n;
    }
  }

  /** Maps and journals {@code word0} to the end of the data. */
  private void record(long word0, boolean zeroed) throws IOException {
    long moffset = end / SECTOR;
    journal.add(word0, Segment.word1(moffset, zeroed, tag));
    map.put(word0, Segment.word1(moffset, zeroed, 0));
  }

  /** Takes {@link #appending} once the journal has room for a record. */
  private void lockWithRoom() throws IOException {
    failIfBroken();
    appending.lock();
    boolean ready = false;
    try {
      while (journal.full()) {
        appending.unlock();
        try {
          flush();
        } finally {
          appending.lock();
        }
      }
      journal.checkTotal();
      ready = true;
    } finally {
      if (!ready) {
        appending.unlock();
      }
    }
  }

  @Override
  public void flush() throws IOException {
    flushing.lock();
    try {
      failIfBroken();
      boolean leftOver = !unwritten.isEmpty();
      if (!leftOver) {
        unwritten = take();
      }
      drain();
      if (leftOver) {
        unwritten = take();
        drain();
      }
    } finally {
      flushing.unlock();
    }
  }

  private Journal.Batch take() {
    appending.lock();
    try {
      return journal.take();
    } finally {
      appending.unlock();
    }
  }

  /** Makes {@link #unwritten} durable; it stays if the index file cannot grow now. */
  private void drain() throws IOException {
    if (unwritten.isEmpty()) {
      return;
    }
    sync(data);
    journal.append(unwritten);
    unwritten = Journal.Batch.EMPTY;
    sync(journal.file());
  }

  /**
   * After a failed sync the kernel may have dropped the pages and call them clean: a second sync
   * that succeeds would prove nothing, so there is none.
   */
  private void sync(StoreFile file) throws IOException {
    try {
      file.sync();
    } catch (IOException e) {
      broken = e;
      try {
        journal.forgetPending();
      } catch (IOException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  private void failIfBroken() throws IOException {
    IOException cause = broken;
    if (cause != null) {
      throw new IOException(
          data.name() + ": an earlier flush failed, what is on disk is unknown", cause);
    }
  }

  @Override
  public void stackOn(LayerStack lower) {
    appending.lock();
    try {
      tag = lower.layers().size();
    } finally {
      appending.unlock();
    }
  }

  @Override
  public void resize(long virtualSize) throws IOException {
    flushing.lock();
    try {
      // The data header first: the index header is the one that counts when a layer is opened.
      for (StoreFile file : List.of(data, journal.file())) {
        HeaderPatch.virtualSize(file, virtualSize);
        sync(file);
      }
    } finally {
      flushing.unlock();
    }
  }

  @Override
  public long dataEnd() {
    appending.lock();
    try {
      return end;
    } finally {
      appending.unlock();
    }
  }

  @Override
  public void close() throws IOException {
    boolean complete = broken == null && unwritten.isEmpty() && journal.isEmpty();
    Closeable records = () -> journal.close(complete);
    Closing.all(List.of(data, records));
  }
}
