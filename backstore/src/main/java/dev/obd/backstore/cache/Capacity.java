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
 * every moment. What has to go is the unit used longest ago, the young before the old: a unit is
 * old if it was read again some time after it came, or came back soon after it had gone. The old
 * may fill three quarters, so what is read once, however much, pushes out none of them. Where holes
 * cannot be punched whole blobs go, longest unread first. Thread-safe.
 */
final class Capacity {
  /** Units dropped at most for one new unit because the disk, not the cache, is full. */
  private static final int RESERVE_EVICTIONS = 16;

  /** Other processes' units are counted anew after this part of the capacity was filled. */
  private static final int RECOUNT_PART = 16;

  /** The part of the capacity that belongs to the young. */
  private static final int YOUNG_PART = 4;

  /** Reads closer together than this part of the capacity, in units filled, are one use. */
  private static final int SAME_USE_PART = 64;

  private static final Logger log = LogManager.getLogger(BlobCache.class);

  private final CacheConfig config;
  private final CacheFiles files;
  private final DirectoryLock lock;
  private final CacheEvents events;
  private final List<BlobFile> blobs = new CopyOnWriteArrayList<>();
  private final AtomicLong used = new AtomicLong();
  private final AtomicLong oldBytes = new AtomicLong();
  private final AtomicLong ticks = new AtomicLong(1); // above the 0 of a unit never seen
  private final long sameUse;
  private final long remembered;
  private final AtomicLong uses = new AtomicLong(1); // above the 0 of a blob never used
  private final AtomicLong filledSinceCount = new AtomicLong();

  /** Held while evicting and counting; never while a read waits for it. */
  private final ReentrantLock hand = new ReentrantLock();

  private final Victims victims = new Victims(); // guarded by hand
  private boolean tidied; // guarded by hand
  private boolean punches; // guarded by hand; a hole was punched
  private boolean wholeBlobs; // guarded by hand

  Capacity(CacheConfig config, CacheFiles files, DirectoryLock lock, CacheEvents events) {
    this.config = config;
    this.files = files;
    this.lock = lock;
    this.events = events;
    this.remembered = Math.max(1, config.capacityBytes() / config.unitBytes());
    this.sameUse = Math.max(1, remembered / SAME_USE_PART);
  }

  void add(BlobFile blob) {
    blobs.add(blob);
  }

  /** Something that removes a blob. */
  @FunctionalInterface
  interface Removal {
    void run() throws IOException;
  }

  /** Removes {@code blob} while nothing of it is being evicted. */
  void remove(BlobFile blob, Removal removal) throws IOException {
    hand.lock();
    try {
      removal.run();
      blobs.remove(blob);
      victims.clear();
    } finally {
      hand.unlock();
    }
  }

  /** Whether a blob is kept has changed. */
  void keptChanged() {
    hand.lock();
    try {
      victims.clear();
    } finally {
      hand.unlock();
    }
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

  // ---- time, which is counted in units filled

  /** Now. */
  long now() {
    return ticks.get();
  }

  /** The time of the next unit that comes. */
  long tick() {
    return ticks.incrementAndGet();
  }

  /** How long after it came a unit's reads are still the same use. */
  long sameUse() {
    return sameUse;
  }

  /** True if a unit that comes now and was last used then has not been away for long. */
  boolean isBack(long stamp) {
    return stamp > 0 && now() - stamp <= remembered;
  }

  /** Bytes more, or fewer, of the old generation. */
  void aged(long bytes) {
    oldBytes.addAndGet(bytes);
  }

  long oldBytes() {
    return oldBytes.get();
  }

  // ---- room

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
    boolean old = used.get() - oldBytes.get() < config.capacityBytes() / YOUNG_PART;
    Victims.Victim victim = victims.next(blobs, old);
    if (victim == null) {
      victim = victims.next(blobs, !old);
    }
    if (victim == null) {
      return false;
    }
    try {
      victim.blob().evict(victim.unit(), victim.word(), !punches);
      punches = true;
      return true;
    } catch (IOException e) {
      log.warn("cache.evict.whole-blobs directory={}", config.directory(), e);
      wholeBlobs = true;
      return evictBlob();
    }
  }

  private boolean evictBlob() {
    List<BlobFile> oldestFirst =
        blobs.stream().sorted((a, b) -> Long.compare(a.lastUse(), b.lastUse())).toList();
    for (BlobFile blob : oldestFirst) {
      try {
        if (!blob.isKept() && blob.empty()) {
          return true;
        }
      } catch (IOException e) {
        log.warn("cache.evict.failed blob={}", blob.format().digest(), e);
      }
    }
    return false;
  }

  private void tidy() {
    try {
      Orphans.delete(config.directory());
    } catch (IOException e) {
      log.debug("cache.tidy.failed directory={}", config.directory(), e);
    }
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
      if (!lock.othersCame()) {
        return; // nobody else can have changed anything
      }
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
