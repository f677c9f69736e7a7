package dev.obd.registry.http;

import dev.obd.registry.RemoteBlob;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** Ranged reads of one blob. Holds nothing open between reads. */
final class HttpBlob implements RemoteBlob {
  private final BlobRequests requests;

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
  }

  @Override
  public void stream(long offset, long length, Duration patience, Duration stall, Receiver receiver)
      throws IOException {
    check(offset, length);
    new RangeTransfer(requests, offset, length, receiver, patience, stall).run();
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

  @Override
  public void close() {}
}
