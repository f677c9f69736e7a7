package dev.obd.backstore.image;

import dev.obd.io.BlockSource;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A blob behind a gate that a test shuts and opens. */
final class GatedBlob implements BlockSource {
  final CountDownLatch reached = new CountDownLatch(1);
  final CountDownLatch closed = new CountDownLatch(1);
  final AtomicInteger reads = new AtomicInteger();
  final AtomicLong bytes = new AtomicLong();
  private final BlockSource blob;
  private volatile CountDownLatch gate = new CountDownLatch(0);

  GatedBlob(BlockSource blob) {
    this.blob = blob;
  }

  GatedBlob shut() {
    gate = new CountDownLatch(1);
    return this;
  }

  void open() {
    gate.countDown();
  }

  @Override
  public long size() {
    return blob.size();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    reads.incrementAndGet();
    bytes.addAndGet(dst.remaining());
    reached.countDown();
    try {
      if (!gate.await(60, TimeUnit.SECONDS)) {
        throw new IOException("the gate stayed shut");
      }
    } catch (InterruptedException e) {
      throw new InterruptedIOException("at the gate");
    }
    blob.read(offset, dst);
  }

  @Override
  public String name() {
    return "gated";
  }

  @Override
  public void close() throws IOException {
    closed.countDown();
    blob.close();
  }
}
