package dev.obd.format.lsmt;

import dev.obd.io.ExtentMap.Kind;
import dev.obd.io.ExtentMap.Visitor;
import java.io.IOException;

/** Joins neighbours of one kind before a visitor sees them. Not thread-safe. */
final class ExtentJoiner {
  private final Visitor visitor;
  private long offset;
  private long length;
  private Kind kind = Kind.HOLE;

  ExtentJoiner(Visitor visitor) {
    this.visitor = visitor;
  }

  /** Takes the next extent; returns false once the visitor stopped. */
  boolean add(long nextOffset, long nextLength, Kind nextKind) throws IOException {
    if (length > 0 && nextKind == kind) {
      length += nextLength;
      return true;
    }
    boolean more = finish();
    offset = nextOffset;
    length = nextLength;
    kind = nextKind;
    return more;
  }

  /** Passes on what is held back. */
  boolean finish() throws IOException {
    boolean more = length == 0 || visitor.extent(offset, length, kind);
    length = 0;
    return more;
  }
}
