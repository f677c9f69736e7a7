package dev.obd.backstore.device;

import dev.obd.io.ExtentMap;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Joins neighbours of one kind, stops at a limit, and trusts no map to stay inside the range. */
final class ExtentCollector {
  private final int limit;
  private final List<Extent> into;
  private @Nullable Extent open;

  ExtentCollector(int limit, List<Extent> into) {
    this.limit = limit;
    this.into = into;
  }

  void collect(ExtentMap map, long offset, long length) throws IOException {
    long end = offset + length;
    map.extents(
        offset,
        length,
        (at, run, kind) -> {
          long expected = open == null ? offset : open.end();
          if (at != expected || run < 0 || run > end - at) {
            throw new IOException(
                "extent map: expected an extent at " + expected + ", got " + run + " at " + at);
          }
          return run == 0 || add(at, run, kind);
        });
    if (open != null && into.size() < limit) {
      into.add(open);
    }
    if (into.isEmpty() && length > 0) {
      throw new IOException("extent map: nothing for " + length + " bytes at " + offset);
    }
  }

  /** False once no further extent fits. */
  private boolean add(long at, long run, ExtentMap.Kind kind) {
    if (open != null && open.kind() == kind) {
      open = new Extent(open.offset(), open.length() + run, kind);
      return true;
    }
    if (open != null) {
      into.add(open);
    }
    open = new Extent(at, run, kind);
    return into.size() < limit;
  }
}
