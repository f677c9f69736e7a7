package dev.obd.backstore.download;

import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;

/**
 * A blob on its way, in pieces. Pieces arrive in any order; the digest follows from the start as
 * far as there is no gap, so that little is left to do when the last piece has come. Thread-safe.
 */
final class Arriving {
  /** Bounds what is kept per blob: 2 MiB of bits, for 16 TiB in pieces of 1 MiB. */
  private static final long MAX_PIECES = 1 << 24;

  private final WholeBlob blob;
  private final int pieceBytes;
  private final int pieces;
  private final MessageDigest hasher = Digest.hasher();
  private final BitSet here; // guarded by this
  private int next; // the piece to be hashed; guarded by this
  private boolean hashing; // some thread is at it; guarded by this

  /** Looks what of {@code blob} is here. */
  Arriving(WholeBlob blob, int pieceBytes) throws IOException {
    this.blob = blob;
    this.pieceBytes = pieceBytes;
    long count = (blob.size() + pieceBytes - 1) / pieceBytes;
    if (count > MAX_PIECES) {
      throw new IOException(blob.digest() + ": " + blob.size() + " bytes are too many");
    }
    this.pieces = (int) count;
    this.here = new BitSet(pieces);
    for (int i = 0; i < pieces; i++) {
      here.set(i, blob.isHere(range(i)));
    }
  }

  WholeBlob blob() {
    return blob;
  }

  Range range(int piece) {
    long from = (long) piece * pieceBytes;
    return new Range(from, Math.min(pieceBytes, blob.size() - from));
  }

  /** Pieces that are not here, in order. */
  synchronized List<Integer> missing() {
    List<Integer> missing = new ArrayList<>();
    for (int i = here.nextClearBit(0); i < pieces; i = here.nextClearBit(i + 1)) {
      missing.add(i);
    }
    return missing;
  }

  synchronized long hereBytes() {
    long bytes = (long) here.cardinality() * pieceBytes;
    return pieces > 0 && here.get(pieces - 1)
        ? bytes - pieceBytes + range(pieces - 1).length()
        : bytes;
  }

  synchronized void arrived(int piece) {
    here.set(piece);
  }

  /** What came is wrong: all of it is to be brought again. */
  synchronized void again() {
    here.clear();
    hasher.reset();
    next = 0;
  }

  /**
   * Takes into the digest what has no gap before it, unless another thread is at it.
   *
   * @param context gives the read context of each piece: what was lost meanwhile is fetched
   * @return true, to one caller only, once everything is hashed: {@link #digest} is next
   */
  boolean follow(byte[] buffer, Supplier<ReadContext> context) throws IOException {
    while (true) {
      int piece;
      synchronized (this) {
        if (hashing || next > pieces || (next < pieces && !here.get(next))) {
          return false;
        }
        if (next == pieces) {
          next++; // nobody else is told
          return true;
        }
        hashing = true;
        piece = next;
      }
      boolean done = false;
      try {
        context.get().run(() -> hash(range(piece), buffer));
        done = true;
      } finally {
        synchronized (this) { // in one step: whoever sees that nobody hashes sees what is next
          hashing = false;
          next += done ? 1 : 0;
        }
      }
    }
  }

  private Range hash(Range range, byte[] buffer) throws IOException {
    for (long at = range.offset(); at < range.end(); at += buffer.length) {
      int length = (int) Math.min(buffer.length, range.end() - at);
      blob.read(at, ByteBuffer.wrap(buffer, 0, length).slice());
      hasher.update(buffer, 0, length);
    }
    return range;
  }

  Digest digest() {
    return Digest.finish(hasher);
  }
}
