package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Bytes far away: remembers each request, and can be told to wait or fail. */
final class CountingOrigin implements BlockSource {
  /** Runs before a request is answered. */
  interface Hook {
    void before(long offset, int length) throws IOException;
  }

  private final byte[] content;
  final List<Range> requests = new CopyOnWriteArrayList<>();
  volatile Hook hook = (offset, length) -> {};
  volatile boolean closed;

  CountingOrigin(byte[] content) {
    this.content = content;
  }

  @Override
  public long size() {
    return content.length;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    requests.add(new Range(offset, dst.remaining()));
    hook.before(offset, dst.remaining());
    dst.put(content, (int) offset, dst.remaining());
  }

  long bytes() {
    return requests.stream().mapToLong(Range::length).sum();
  }

  @Override
  public String name() {
    return "origin";
  }

  @Override
  public void close() {
    closed = true;
  }
}
