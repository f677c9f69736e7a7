package dev.obd.backstore.device;

/** The kinds of {@link Request}, as counters and logs name them. */
public enum Op {
  READ,
  WRITE,
  FLUSH,
  DISCARD,
  WRITE_ZEROES,
  CACHE,
  EXTENTS;

  static Op of(Request request) {
    return switch (request) {
      case Request.Read _ -> READ;
      case Request.Write _ -> WRITE;
      case Request.Flush _ -> FLUSH;
      case Request.Discard _ -> DISCARD;
      case Request.WriteZeroes _ -> WRITE_ZEROES;
      case Request.Cache _ -> CACHE;
      case Request.Extents _ -> EXTENTS;
    };
  }

  /**
   * True for what may be given up while the disk still works on it. A change of the disk is never
   * given up: it could land after a later one.
   */
  boolean mayBeGivenUp() {
    return switch (this) {
      case READ, CACHE, EXTENTS -> true;
      case WRITE, FLUSH, DISCARD, WRITE_ZEROES -> false;
    };
  }
}
