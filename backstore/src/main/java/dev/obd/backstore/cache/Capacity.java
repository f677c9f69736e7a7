package dev.obd.backstore.cache;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The bound on the cache's size. Room is reserved before a unit is written, so the bound holds at
 * every moment; what has to go is chosen by a clock over all units (second chance), or by whole
 * blobs, longest unread first, where holes cannot be punched. Thread-safe.
 */
final class Capacity {
  /** Units dropped at most for one new unit because the disk, not the cache, is full. */
  private static final int RESERVE_EVICTIONS = 16;

  /** Other processes' units are counted anew after this part of the capacity was filled. */
  private static final int RECOUNT_PART = 16;

  private static final Logger log = LogManager.getLogger(BlobCache.class);

  private final CacheConfig config;
  private final CacheFiles files;
  private final DirectoryLock lock;
  private final CacheEvents events;
  private final List<BlobFile> blobs = new CopyOnWriteArrayList<>();
  private final AtomicLong used = new AtomicLong();
  private final AtomicLong uses = new AtomicLong(1); // above the 0 of a blob never used
  private final AtomicLong filledSinceCount = new AtomicLong();

  /** Held while evicting and counting; never while a read waits for it. */
  private final ReentrantLock hand = new ReentrantLock();

  private int handBlob; // guarded by hand
  private int handUnit; // guarded by hand
  private boolean tidied; // guarded by hand
  private boolean punches; // guarded by hand; a hole was punched
  private boolean wholeBlobs; // guarded by hand

  Capacity(CacheConfig config, CacheFiles files, DirectoryLock lock, CacheEvents events) {
    this.config = config;
    this.files = files;
    this.lock = lock;
    this.events = events;
  }

  void add(BlobFile blob) {
    blobs.add(blob);
  }

  void remove(BlobFile blob) {
    blobs.remove(blob);
  }

  List<BlobFile> blobs() {
    return blobs;
  }

  long used() {
    return used.get();
  }

  /** Makes {@code blob} the one used last. Counts only when another was used in between. */
  void used(BlobFile blob) {
    if (blob.lastUse() != uses.get()) {
      blob.usedAt(uses.incrementAndGet());
    }
  }

  void adopt(long bytes) {
    used.addAndGet(bytes);
  }

  void release(long bytes) {
    used.addAndGet(-bytes);
  }

  /** Takes room for {@code bytes}, evicting if it must; false if there is none to be had. */
  boolean reserve(BlobFile blob, long bytes) {
    if (bytes > config.capacityBytes()) {
      return false;
    }
    used(blob);
    if (filledSinceCount.addAndGet(bytes) > config.capacityBytes() / RECOUNT_PART) {
      recount();
    }
    long evicted = 0;
    long forTheDisk = 0;
    int diskEvictions = 0;
    try {
      while (true) {
        long now = used.get();
        if (now + bytes > config.capacityBytes()) {
          if (!evictOne()) {
            return false;
          }
          evicted += Math.max(0, now - used.get());
        } else if (!diskHasRoom(bytes)) {
          if (++diskEvictions > RESERVE_EVICTIONS || !evictOne()) {
            return false;
          }
          long freed = Math.max(0, now - used.get());
          evicted += freed;
          forTheDisk += freed;
        } else if (used.compareAndSet(now, now + bytes)) {
          return true;
        }
      }
    } finally {
      if (evicted > 0) {
        events.evicted(evicted, forTheDisk, used.get());
      }
    }
  }

  private boolean diskHasRoom(long bytes) {
    try {
      return config.freeReserveBytes() == 0
          || files.usableBytes(config.directory()) - bytes >= config.freeReserveBytes();
    } catch (IOException e) {
      return true; // writing will tell
    }
  }

  private boolean evictOne() {
    hand.lock();
    try {
      if (!tidied) {
        tidied = true;
        lock.ifAlone(this::tidy);
      }
      return wholeBlobs ? evictBlob() : evictUnit();
    } finally {
      hand.unlock();
    }
  }

  private boolean evictUnit() {
    int passes = 2 * blobs.size() + 1; // the first pass takes the second chances away
    while (passes > 0 && !blobs.isEmpty()) {
      handBlob %= blobs.size();
      BlobFile blob = blobs.get(handBlob);
      int victim = blob.states().nextVictim(handUnit);
      if (victim < 0) {
        passes--;
        handBlob++;
        handUnit = 0;
        continue;
      }
      handUnit = victim + 1;
      try {
        blob.evict(victim, !punches);
        punches = true;
        return true;
      } catch (IOException e) {
        log.warn("cache.evict.whole-blobs directory={}", config.directory(), e);
        wholeBlobs = true;
        return evictBlob();
      }
    }
    return false;
  }

  private boolean evictBlob() {
    List<BlobFile> oldestFirst =
        blobs.stream().sorted((a, b) -> Long.compare(a.lastUse(), b.lastUse())).toList();
    for (BlobFile blob : oldestFirst) {
      try {
        if (blob.empty()) {
          return true;
        }
      } catch (IOException e) {
        log.warn("cache.evict.failed blob={}", blob.format().digest(), e);
      }
    }
    return false;
  }

  private void tidy() {
    for (BlobFile blob : blobs) {
      try {
        blob.tidy();
      } catch (IOException e) {
        return; // holes cannot be punched: nothing to tidy with
      }
    }
  }

  /** Counts again what other processes may have added or dropped. */
  private void recount() {
    if (!hand.tryLock()) {
      return; // somebody is at it
    }
    try {
      if (filledSinceCount.get() <= config.capacityBytes() / RECOUNT_PART) {
        return;
      }
      filledSinceCount.set(0);
      for (BlobFile blob : blobs) {
        try {
          blob.recount();
        } catch (IOException e) {
          log.debug("cache.recount.failed blob={}", blob.format().digest(), e);
        }
      }
    } finally {
      hand.unlock();
    }
  }
}
