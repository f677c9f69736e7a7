package dev.obd.tcmu.scsi;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * MODE SENSE and MODE SELECT. Nothing can be changed: a setting would not outlive this process, but
 * the initiator, which does not see it end, would rely on it.
 */
final class ModePages {
  static final int READ_WRITE_ERROR_RECOVERY = 0x01;
  static final int CACHING = 0x08;
  static final int CONTROL = 0x0A;
  static final int ALL = 0x3F;

  private static final int ALL_SUBPAGES = 0xFF;
  private static final int WRITE_PROTECTED = 0x80;
  private static final int DPO_AND_FUA = 0x10;
  private static final int WRITE_CACHE_ENABLED = 0x04;
  private static final int PAGE_FORMAT = 0x10;
  private static final int SAVE_PAGES = 0x01;
  private static final int SUBPAGE_FORMAT = 0x40;

  private final boolean writable;

  /**
   * @param writable then there is a write cache, which SYNCHRONIZE CACHE and FUA reach through
   */
  ModePages(boolean writable) {
    this.writable = writable;
  }

  /** The answer to MODE SENSE, of 6 or 10 bytes. */
  byte[] sense(Cdb cdb, boolean ten) throws Refusal {
    int header = ten ? 8 : 4;
    int allocated = ten ? cdb.u16(7) : cdb.u8(4);
    if (allocated == 0) {
      return new byte[0];
    }
    if (allocated < header) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    int control = cdb.u8(2) >> 6;
    if (control == 3) {
      throw new Refusal(Sense.NO_SAVED_PAGES);
    }
    byte[] pages = pages(cdb.u8(2) & 0x3F, cdb.u8(3));
    if (control == 1) {
      nothingChangeable(pages);
    }
    var out = ByteBuffer.allocate(header + pages.length);
    int parameter = writable ? DPO_AND_FUA : WRITE_PROTECTED;
    if (ten) {
      out.putShort((short) (out.capacity() - 2)).put((byte) 0).put((byte) parameter);
    } else {
      out.put((byte) (out.capacity() - 1)).put((byte) 0).put((byte) parameter);
    }
    return out.position(header).put(pages).array(); // no block descriptors
  }

  private byte[] pages(int code, int subpage) throws Refusal {
    if (code == ALL && (subpage == 0 || subpage == ALL_SUBPAGES)) {
      byte[] first = page(READ_WRITE_ERROR_RECOVERY);
      byte[] second = page(CACHING);
      byte[] third = page(CONTROL);
      var all = ByteBuffer.allocate(first.length + second.length + third.length);
      return all.put(first).put(second).put(third).array();
    }
    if (subpage != 0) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    byte[] page = page(code);
    if (page.length == 0) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    return page;
  }

  /** Empty if there is no such page. */
  private byte[] page(int code) {
    return switch (code) {
      case READ_WRITE_ERROR_RECOVERY -> new byte[] {1, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
      case CACHING -> {
        byte[] page = new byte[20];
        page[0] = CACHING;
        page[1] = 0x12;
        page[2] = (byte) (writable ? WRITE_CACHE_ENABLED : 0);
        yield page;
      }
      case CONTROL -> new byte[] {10, 10, 2, 0, 0, 0x40, 0, 0, (byte) 0xFF, (byte) 0xFF, 0, 0};
      default -> new byte[0];
    };
  }

  private static void nothingChangeable(byte[] pages) {
    for (int at = 0; at < pages.length; ) {
      int end = at + 2 + pages[at + 1];
      Arrays.fill(pages, at + 2, end, (byte) 0);
      at = end;
    }
  }

  /** MODE SELECT, of 6 or 10 bytes: takes pages that say what MODE SENSE says. */
  void select(Cdb cdb, DataBuffers data, boolean ten) throws Refusal {
    int header = ten ? 8 : 4;
    int length = ten ? cdb.u16(7) : cdb.u8(4);
    if (!cdb.bit(1, PAGE_FORMAT) || cdb.bit(1, SAVE_PAGES)) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    if (length == 0) {
      return;
    }
    byte[] list = data.first(length);
    if (list.length < length || length < header) {
      throw new Refusal(Sense.PARAMETER_LIST_LENGTH);
    }
    int descriptors = ten ? ((list[6] & 0xFF) << 8) | (list[7] & 0xFF) : list[3];
    if (descriptors != 0) {
      throw new Refusal(Sense.INVALID_PARAMETER);
    }
    for (int at = header; at < length; ) {
      at = sameAsSensed(list, at);
    }
  }

  /** Where the page at {@code at} ends. */
  private int sameAsSensed(byte[] list, int at) throws Refusal {
    int code = list[at] & 0x3F; // the top bit is reserved here
    byte[] page = page(code);
    if ((list[at] & SUBPAGE_FORMAT) != 0 || page.length == 0) {
      throw new Refusal(Sense.INVALID_PARAMETER);
    }
    int end = at + page.length;
    if (end > list.length) {
      throw new Refusal(Sense.PARAMETER_LIST_LENGTH);
    }
    if (!Arrays.equals(list, at + 1, end, page, 1, page.length)) {
      throw new Refusal(Sense.INVALID_PARAMETER);
    }
    return end;
  }
}
