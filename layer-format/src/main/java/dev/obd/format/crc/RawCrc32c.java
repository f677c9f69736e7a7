package dev.obd.format.crc;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) as a bare register: it starts as the seed
 * and is returned as it ends, neither inverted. {@code of(of(s, a), b)} is {@code of(s, a + b)}.
 *
 * <p>Overlaybd uses it everywhere: seed 0 for ZFile headers and jump tables, traces and gzip
 * indexes, seed 100007 for ZFile blocks. Source: overlaybd 063821f, zfile/crc32/crc32c.cpp.
 *
 * <p>The JDK's intrinsic CRC32C cannot be seeded: its register always starts as all ones. But four
 * bytes take a register to any value, so four well-chosen bytes are fed first.
 */
public final class RawCrc32c {
  private static final int POLYNOMIAL = 0x82F63B78;

  /** For a byte that was shifted out at the top: the table index that caused it, and its entry. */
  private static final int[] INDEX_OF_TOP_BYTE = new int[256];

  private static final int[] ENTRY_OF_TOP_BYTE = new int[256];

  static {
    for (int index = 0; index < 256; index++) {
      int entry = index;
      for (int bit = 0; bit < 8; bit++) {
        entry = (entry >>> 1) ^ (POLYNOMIAL & -(entry & 1));
      }
      INDEX_OF_TOP_BYTE[entry >>> 24] = index;
      ENTRY_OF_TOP_BYTE[entry >>> 24] = entry;
    }
  }

  private RawCrc32c() {}

  /** The register after {@code bytes}, from position to limit; both stay where they are. */
  public static int of(int seed, ByteBuffer bytes) {
    CRC32C crc = seeded(seed);
    int position = bytes.position();
    crc.update(bytes);
    bytes.position(position);
    return ~(int) crc.getValue();
  }

  /** The register after {@code length} bytes of an array. */
  public static int of(int seed, byte[] bytes, int offset, int length) {
    CRC32C crc = seeded(seed);
    crc.update(bytes, offset, length);
    return ~(int) crc.getValue();
  }

  /** The register after all of {@code bytes}. */
  public static int of(int seed, byte[] bytes) {
    return of(seed, bytes, 0, bytes.length);
  }

  /** A CRC whose register holds {@code seed}. */
  private static CRC32C seeded(int seed) {
    int register = seed;
    for (int i = 0; i < 4; i++) { // run the register backwards over four zero bytes
      int top = register >>> 24;
      register = ((register ^ ENTRY_OF_TOP_BYTE[top]) << 8) | INDEX_OF_TOP_BYTE[top];
    }
    int prefix = ~register; // what turns the initial all-ones register into this one
    CRC32C crc = new CRC32C();
    crc.update(prefix);
    crc.update(prefix >>> 8);
    crc.update(prefix >>> 16);
    crc.update(prefix >>> 24);
    return crc;
  }
}
