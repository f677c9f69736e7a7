package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** What the cache's tests share. */
final class CacheTests {
  static final int KIB = 1024;

  private CacheTests() {}

  /** A cache of 4 KiB units without limits. */
  static CacheConfig small(Path directory) {
    return CacheConfig.in(directory).withFreeReserve(0).withRequests(64 * KIB, 0).withUnit(4 * KIB);
  }

  static BlobCache open(CacheConfig config) {
    return BlobCache.open(config, Ticker.SYSTEM);
  }

  static Digest digest(int n) {
    return new Digest("sha256:" + String.format("%064x", n));
  }

  /** Random bytes with a block of zeros now and then, which a hole could be taken for. */
  static byte[] content(long seed, int length) {
    byte[] content = new byte[length];
    new SplittableRandom(seed).nextBytes(content);
    for (int from = 3 * 4096; from + 4096 <= length; from += 7 * 4096) {
      java.util.Arrays.fill(content, from, from + 4096, (byte) 0);
    }
    return content;
  }

  static byte[] read(BlockSource source, long offset, int length) throws IOException {
    byte[] got = new byte[length];
    source.read(offset, ByteBuffer.wrap(got));
    return got;
  }

  static byte[] readAll(BlockSource source) throws IOException {
    return read(source, 0, (int) source.size());
  }
}
