package dev.obd.registry.http;

import dev.obd.registry.RegistryException;
import dev.obd.registry.RemoteBlob;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** Ranged reads of one blob. Holds nothing open between reads. */
final class HttpBlob implements RemoteBlob {
  private static final int COPY_BYTES = 1 << 16;

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
    if (offset < 0 || offset > size() - dst.remaining()) {
      throw new EOFException(
          "%s: [%d, +%d) is outside its %d bytes"
              .formatted(name(), offset, dst.remaining(), size()));
    }
    RegistryOptions options = requests.options();
    Limit limit = Limit.after(options.clock(), patience);
    var attempts = new Attempts(limit, Integer.MAX_VALUE, options.jitter());
    ByteBuffer rest = dst.duplicate();
    while (rest.hasRemaining()) {
      int before = rest.position();
      try {
        readSome(offset + (before - dst.position()), rest, limit);
      } catch (IOException e) {
        if (rest.position() > before) {
          attempts.progressed();
        }
        attempts.failed(e);
      }
    }
    dst.position(rest.position());
  }

  /** One request. Advances {@code rest} by what arrived, also when it throws. */
  private void readSome(long offset, ByteBuffer rest, Limit limit) throws IOException {
    int wanted = rest.remaining();
    try (Answer answer = requests.range(offset, wanted, limit)) {
      try {
        readBody(answer, offset, wanted, rest);
      } catch (RegistryException e) {
        answer.bad(e);
        throw e;
      }
    }
  }

  private void readBody(Answer answer, long offset, int wanted, ByteBuffer rest)
      throws IOException {
    long length = requests.bodyLength(answer, offset, wanted);
    long left = length;
    byte[] copy = rest.hasArray() ? rest.array() : new byte[Math.min(wanted, COPY_BYTES)];
    while (left > 0) {
      int n;
      if (rest.hasArray()) {
        n = answer.read(copy, rest.arrayOffset() + rest.position(), (int) left);
      } else {
        n = answer.read(copy, 0, (int) Math.min(left, copy.length));
      }
      if (n < 0) {
        throw BlobPlace.cutShort(answer, length, length - left);
      }
      if (rest.hasArray()) {
        rest.position(rest.position() + n);
      } else {
        rest.put(copy, 0, n);
      }
      left -= n;
    }
    if (answer.status() == 206 && !answer.isAtEnd()) {
      throw Failures.bad(answer, "body", length + " bytes", "more");
    }
  }

  @Override
  public void distrust() {
    requests.distrust();
  }

  @Override
  public void close() {}
}
