package dev.obd.testdata;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The obvious disk: pages in a map, zeros elsewhere. Sparse, so that terabytes can be modelled. Not
 * thread-safe.
 */
public final class DeviceModel {
  private static final int PAGE = 4096;
  private static final byte[] ZEROS = new byte[1 << 20];

  private final long size;
  private final TreeMap<Long, byte[]> pages = new TreeMap<>();

  /** A disk of {@code size} bytes that reads as zeros. */
  public DeviceModel(long size) {
    this.size = size;
  }

  /** A disk of another size with the content of this one; what lies beyond its end is kept. */
  public DeviceModel copy(long newSize) {
    var copy = new DeviceModel(newSize);
    pages.forEach((page, bytes) -> copy.pages.put(page, bytes.clone()));
    return copy;
  }

  /** Bytes. */
  public long size() {
    return size;
  }

  /** Puts {@code data} at {@code offset}. */
  public void write(long offset, byte[] data) {
    for (int i = 0; i < data.length; ) {
      long at = offset + i;
      int inPage = (int) (at % PAGE);
      int n = Math.min(PAGE - inPage, data.length - i);
      byte[] page = pages.computeIfAbsent(at / PAGE, key -> new byte[PAGE]);
      System.arraycopy(data, i, page, inPage, n);
      i += n;
    }
  }

  /** Zeros in {@code [offset, offset + length)}. */
  public void trim(long offset, long length) {
    long end = offset + length;
    for (var entry :
        pages.subMap(offset / PAGE, true, Math.max(offset, end - 1) / PAGE, true).entrySet()) {
      long start = entry.getKey() * PAGE;
      int from = (int) (Math.max(offset, start) - start);
      int to = (int) (Math.min(end, start + PAGE) - start);
      Arrays.fill(entry.getValue(), from, Math.max(from, to), (byte) 0);
    }
  }

  /** Does what {@code ops} say. */
  public DeviceModel apply(List<Ops.Op> ops) {
    for (Ops.Op op : ops) {
      switch (op) {
        case Ops.Write write -> write(write.offset(), write.content());
        case Ops.Trim trim -> trim(trim.offset(), trim.length());
        case Ops.Sync ignored -> {}
        case Ops.Group ignored -> {}
      }
    }
    return this;
  }

  /** {@code length} bytes from {@code offset}. */
  public byte[] read(long offset, int length) {
    byte[] out = new byte[length];
    for (int i = 0; i < length; ) {
      long at = offset + i;
      int inPage = (int) (at % PAGE);
      int n = Math.min(PAGE - inPage, length - i);
      byte[] page = pages.get(at / PAGE);
      if (page != null) {
        System.arraycopy(page, inPage, out, i, n);
      }
      i += n;
    }
    return out;
  }

  /** SHA-256 of the whole disk, lower-case hex. */
  public String sha256() {
    MessageDigest digest = newSha256();
    long at = 0;
    for (Map.Entry<Long, byte[]> page : pages.entrySet()) {
      long start = page.getKey() * PAGE;
      if (start >= size) {
        break;
      }
      zeros(digest, start - at);
      int n = (int) Math.min(PAGE, size - start);
      digest.update(page.getValue(), 0, n);
      at = start + n;
    }
    zeros(digest, size - at);
    return HexFormat.of().formatHex(digest.digest());
  }

  /** SHA-256 of {@code bytes}, lower-case hex. */
  public static String sha256(byte[] bytes) {
    return HexFormat.of().formatHex(newSha256().digest(bytes));
  }

  private static void zeros(MessageDigest digest, long count) {
    for (long left = count; left > 0; left -= ZEROS.length) {
      digest.update(ZEROS, 0, (int) Math.min(left, ZEROS.length));
    }
  }

  private static MessageDigest newSha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
