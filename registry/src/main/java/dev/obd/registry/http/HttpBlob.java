package dev.obd.registry.http;

import dev.obd.registry.RemoteBlob;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Ranged reads of one blob. Holds nothing open between reads; closing it ends those under way. */
final class HttpBlob implements RemoteBlob {
  private final BlobRequests requests;
  private final Set<RangeTransfer> underWay = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  HttpBlob(BlobRequests requests) {
    this.requests = requests;
  }

  @Override
  public long size() {
    return requests.descriptor().size();
  }

  @Override
  public String name() {
    return requests.descriptor().digest().toString();
  }

  @Override
  public void read(long offset, ByteBuffer dst, Duration patience) throws IOException {
    stream(
        offset,
        dst.remaining(),
        patience,
        patience,
        bytes -> {
          dst.put(bytes);
          return true;
        });
    if (dst.hasRemaining()) {
      throw closed();
    }
  }

  @Override
  public void stream(long offset, long length, Duration patience, Duration stall, Receiver receiver)
      throws IOException {
    check(offset, length);
    var transfer = new RangeTransfer(requests, offset, length, receiver, patience, stall);
    underWay.add(transfer);
    try {
      if (closed) { // seen here, or else by close, which sees the transfer then
        throw closed();
      }
      transfer.run();
    } finally {
      underWay.remove(transfer);
    }
  }

  private IOException closed() {
    return new IOException(name() + ": closed");
  }

  private void check(long offset, long length) throws EOFException {
    if (offset < 0 || length < 0 || offset > size() - length) {
      throw new EOFException(
          "%s: [%d, +%d) is outside its %d bytes".formatted(name(), offset, length, size()));
    }
  }

  @Override
  public void distrust() {
    requests.distrust();
  }

  /** Nobody waits for retries of what nobody wants any more. */
  @Override
  public void close() {
    closed = true;
    underWay.forEach(RangeTransfer::cancel);
  }
}
