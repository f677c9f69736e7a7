package dev.obd.backstore.source;

import dev.obd.io.BlockSource;
import dev.obd.io.DerivedSource;
import dev.obd.io.Range;
import java.io.IOException;

/** Passes everything but reads to the source below, whose bytes are the same. Owns it. */
abstract class PassingSource implements DerivedSource {
  /** The source below, now. */
  @Override
  public abstract BlockSource base();

  @Override
  public final Range baseRange(long offset, long length) {
    long from = Math.min(Math.max(offset, 0), size());
    long end = Math.min(Math.max(offset + length, from), size());
    return new Range(from, end - from);
  }

  @Override
  public long size() {
    return base().size();
  }

  @Override
  public String name() {
    return base().name();
  }

  @Override
  public boolean evict(long offset, long length) throws IOException {
    return base().evict(offset, length);
  }

  @Override
  public void close() throws IOException {
    base().close();
  }
}
