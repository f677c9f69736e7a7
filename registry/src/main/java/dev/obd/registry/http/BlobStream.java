package dev.obd.registry.http;

import dev.obd.registry.Digest;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A whole blob in one request, or more if the connection breaks. It may take as long as it needs,
 * but each patience's time of waiting must bring something. The last bytes are given out when the
 * digest is right. Not thread-safe.
 */
final class BlobStream extends InputStream {
  /** What must arrive for the patience to begin anew: less is a trickle, not a transfer. */
  private static final int PROGRESS_BYTES = 64 << 10;

  private final BlobRequests requests;
  private final long size;
  private final Limit limit;
  private final Attempts attempts;
  private final MessageDigest hasher = Digest.hasher();
  private final byte[] skipped = new byte[8192];
  private @Nullable Answer answer;
  private long offset;
  private long waitedNanos;
  private long sinceProgress;
  private boolean verified;
  private @Nullable IOException broken;

  BlobStream(BlobRequests requests) {
    this.requests = requests;
    size = requests.descriptor().size();
    RegistryOptions options = requests.options();
    limit = Limit.after(options.clock(), options.patience());
    attempts = new Attempts(limit, options.attempts(), options.jitter());
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int from, int length) throws IOException {
    Objects.checkFromIndexSize(from, length, into.length);
    if (broken != null) {
      throw new IOException("the stream broke before", broken);
    }
    if (length == 0) {
      return 0;
    }
    try {
      return offset == size ? end() : waiting(into, from, length);
    } catch (IOException e) {
      broken = e;
      throw e;
    }
  }

  private int end() throws IOException {
    if (!verified) { // only an empty blob comes here unverified
      verify();
    }
    return -1;
  }

  /** Counts the time spent in here only: a slow consumer is not a slow registry. */
  private int waiting(byte[] into, int from, int length) throws IOException {
    long began = limit.clock().nanos();
    limit.restart(limit.patience().toNanos() - waitedNanos);
    try {
      int n = some(into, from, length);
      sinceProgress += n;
      return n;
    } finally {
      waitedNanos += limit.clock().nanos() - began;
      if (sinceProgress >= PROGRESS_BYTES) {
        waitedNanos = 0;
        sinceProgress = 0;
        attempts.progressed();
      }
      limit.restart(Long.MAX_VALUE / 2);
    }
  }

  private int some(byte[] into, int from, int length) throws IOException {
    while (true) {
      try {
        Answer current = answer;
        if (current == null) {
          current = open();
          answer = current;
        }
        int n = current.read(into, from, (int) Math.min(length, size - offset));
        if (n < 0) {
          throw BlobPlace.cutShort(current, size, offset);
        }
        hasher.update(into, from, n);
        offset += n;
        if (offset == size) {
          finish(current);
        }
        return n;
      } catch (RegistryException e) {
        Answer sender = answer;
        if (sender != null) {
          sender.bad(e);
        }
        drop();
        if (verified || offset == size) {
          throw e;
        }
        attempts.failed(e);
      }
    }
  }

  private Answer open() throws IOException {
    Answer fresh = requests.from(offset, limit);
    try {
      long at = BlobPlace.bodyStart(fresh, offset);
      while (at < offset) { // ranges are not spoken here: what we have comes again
        int n = fresh.read(skipped, 0, (int) Math.min(skipped.length, offset - at));
        if (n < 0) {
          throw BlobPlace.cutShort(fresh, size, at);
        }
        at += n;
      }
      return fresh;
    } catch (IOException | RuntimeException e) {
      fresh.close();
      throw e;
    }
  }

  private void finish(Answer current) throws IOException {
    verify();
    current.isAtEnd(); // lets the connection be used again
    drop();
  }

  private void verify() throws RegistryException {
    Digest actual = Digest.finish(hasher);
    Digest expected = requests.descriptor().digest();
    if (!actual.equals(expected)) {
      throw new RegistryException(
          Kind.BAD_ANSWER,
          0,
          expected
              + ": digest of the "
              + size
              + " bytes received: expected "
              + expected
              + ", got "
              + actual,
          null);
    }
    verified = true;
  }

  private void drop() {
    Answer current = answer;
    answer = null;
    if (current != null) {
      current.close();
    }
  }

  @Override
  public void close() {
    drop();
  }
}
