package dev.obd.backstore.source;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ByteReceiver;
import dev.obd.io.Deadline;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.registry.RemoteBlob;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** A blob in a registry as a source of bytes. Thread-safe; owns the blob. */
public final class RemoteSource implements BlockSource {
  /** How long a read without a deadline may take, and a stream may stand still. */
  public static final Duration DEFAULT_PATIENCE = Duration.ofSeconds(30);

  private final RemoteBlob blob;
  private final Duration patience;

  public RemoteSource(RemoteBlob blob) {
    this(blob, DEFAULT_PATIENCE);
  }

  /**
   * @param patience for reads whose context has no deadline
   */
  public RemoteSource(RemoteBlob blob, Duration patience) {
    this.blob = blob;
    this.patience = patience;
  }

  @Override
  public long size() {
    return blob.size();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    if (!dst.hasRemaining()) {
      return;
    }
    Deadline deadline = ReadContext.current().deadline();
    long left = deadline.remainingNanos();
    blob.read(offset, dst, left == Long.MAX_VALUE ? patience : Duration.ofNanos(left));
  }

  @Override
  public void stream(Range range, ByteReceiver receiver) throws IOException {
    BlockSources.checkRange(this, range.offset(), range.length());
    Deadline deadline = ReadContext.current().deadline();
    long left = deadline.remainingNanos();
    Duration stall = left == Long.MAX_VALUE ? patience : Duration.ofNanos(left);
    blob.stream(range.offset(), range.length(), Duration.ofNanos(left), stall, receiver::take);
  }

  /** True: the registry can be asked again, and is asked another way if there is one. */
  @Override
  public boolean evict(long offset, long length) {
    blob.distrust();
    return true;
  }

  @Override
  public String name() {
    return blob.name();
  }

  @Override
  public void close() throws IOException {
    blob.close();
  }
}
