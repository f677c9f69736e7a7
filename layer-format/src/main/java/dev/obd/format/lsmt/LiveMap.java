package dev.obd.format.lsmt;

import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/** A {@link MutableIndex} that many threads use. No I/O happens under its lock. */
final class LiveMap {
  private final MutableIndex index = new MutableIndex();
  private final ReadWriteLock lock = new ReentrantReadWriteLock();

  void put(long word0, long word1) {
    lock.writeLock().lock();
    try {
      index.put(word0, word1);
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** Maps {@code sectors} from {@code offset}, as one record or several. */
  void putAll(long offset, long sectors, long moffset, boolean zeroed) {
    for (long done = 0; done < sectors; ) {
      long n = Math.min(Segment.MAX_LENGTH, sectors - done);
      put(
          Segment.word0(offset + done, n),
          Segment.word1(zeroed ? moffset : moffset + done, zeroed, 0));
      done += n;
    }
  }

  void find(long sector, Extent at) {
    lock.readLock().lock();
    try {
      index.find(sector, at);
    } finally {
      lock.readLock().unlock();
    }
  }

  int count() {
    lock.readLock().lock();
    try {
      return index.count();
    } finally {
      lock.readLock().unlock();
    }
  }

  SegmentIndex toIndex() {
    lock.readLock().lock();
    try {
      return index.toIndex();
    } finally {
      lock.readLock().unlock();
    }
  }
}
