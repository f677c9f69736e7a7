package dev.obd.backstore.build;

import dev.obd.io.ByteSink;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Tells how far the writing is. An expectation of 0 bytes means that it is not known. */
final class MeteredSink implements ByteSink {
  private final ByteSink next;
  private final long expectedBytes;
  private final Progress progress;

  MeteredSink(ByteSink next, long expectedBytes, Progress progress) {
    this.next = next;
    this.expectedBytes = expectedBytes;
    this.progress = progress;
  }

  @Override
  public long position() {
    return next.position();
  }

  @Override
  public void write(ByteBuffer src) throws IOException {
    next.write(src);
    // What is expected is an estimate, and nothing is done before it is finished.
    long done = next.position();
    progress.at(expectedBytes > 0 ? Math.min(done, expectedBytes - 1) : done, expectedBytes);
  }

  @Override
  public boolean patchable() {
    return next.patchable();
  }

  @Override
  public void patch(long offset, ByteBuffer src) throws IOException {
    next.patch(offset, src);
  }

  @Override
  public void finish() throws IOException {
    long bytes = next.position();
    next.finish();
    progress.at(bytes, bytes);
  }

  @Override
  public void close() throws IOException {
    next.close();
  }
}
