package dev.obd.backstore.cache;

/** Is told what a cache does besides reading. Called by many threads; neither blocks nor fails. */
public interface CacheEvents {
  /** Nobody is told. */
  CacheEvents NONE = new CacheEvents() {};

  /**
   * Units were dropped to make room for one.
   *
   * @param bytes that were dropped, about
   * @param forTheDisk the part of them that went because the file system, not the cache, was full
   * @param usedBytes that the cache holds now
   */
  default void evicted(long bytes, long forTheDisk, long usedBytes) {}
}
