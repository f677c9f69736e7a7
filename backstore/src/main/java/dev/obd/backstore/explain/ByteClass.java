package dev.obd.backstore.explain;

import java.util.Locale;

/** What became of a byte that came over the wire. Each has exactly one. */
public enum ByteClass {
  /** Prefetched, and here before it was first read. */
  USEFUL("prefetched, here before its first read"),
  /** Prefetched, and somebody waited for it. */
  LATE("prefetched, but a read waited for it"),
  /** Fetched by the read that needed it, though the trace had it. */
  OVERTAKEN("in the trace, but a read fetched it first"),
  /** Fetched by the read that needed it; not in the trace. */
  MISSED("fetched by the read that needed it"),
  /** Fetched by what opens the image, before or beside the reads of the disk. */
  OPENING("fetched to open the image"),
  /** Not read, but in a unit of which something was. */
  ROUNDING("not read, but in a unit that was"),
  /** Not read and in no record: between two records that became one request. */
  GAP("not read, between records of one request"),
  /** Prefetched, and not read while this was logged. */
  WASTED("prefetched, and not read"),
  /** Prefetched, and fetched once more before it was read: it was lost in between. */
  EARLY("prefetched, and lost before it was read"),
  /** Fetched though it had been here before, or by two at once. */
  AGAIN("fetched though it had been here"),
  /** Brought by the completion of a copy, and not read. */
  BACKGROUND("brought by a download, and not read");

  private final String meaning;

  ByteClass(String meaning) {
    this.meaning = meaning;
  }

  /** In a few words. */
  public String meaning() {
    return meaning;
  }

  /** As documents have it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
