package dev.obd.format.qcow2;

import dev.obd.io.ExtentMap;
import java.io.IOException;

/** Joins neighbouring extents of one kind before it passes them on. */
final class MergedExtents implements ExtentMap.Visitor {
  private final ExtentMap.Visitor next;
  private ExtentMap.Kind kind = ExtentMap.Kind.HOLE;
  private long offset;
  private long length;

  MergedExtents(ExtentMap.Visitor next) {
    this.next = next;
  }

  @Override
  public boolean extent(long at, long count, ExtentMap.Kind what) throws IOException {
    if (length > 0 && what == kind) {
      length += count;
      return true;
    }
    boolean more = length == 0 || next.extent(offset, length, kind);
    offset = at;
    length = count;
    kind = what;
    return more;
  }

  /** Passes on the last one. */
  void finish() throws IOException {
    if (length > 0) {
      next.extent(offset, length, kind);
    }
  }
}
