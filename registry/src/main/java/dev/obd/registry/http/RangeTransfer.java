package dev.obd.registry.http;

import dev.obd.registry.RegistryException;
import dev.obd.registry.RemoteBlob;
import dev.obd.registry.RequestListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * One range of a blob on its way to a receiver, in one request, or in more if it breaks: each
 * begins where the one before ended. For one thread.
 */
final class RangeTransfer {
  private static final int CHUNK_BYTES = 1 << 16;

  private final BlobRequests requests;
  private final RemoteBlob.Receiver receiver;
  private final long end;
  private final byte[] chunk;
  private final Limit whole;
  private final Limit limit;
  private final Attempts attempts;
  private long at;
  private long sinceProgress;
  private boolean wanted = true;

  RangeTransfer(
      BlobRequests requests,
      long offset,
      long length,
      RemoteBlob.Receiver receiver,
      Duration patience,
      Duration stall) {
    this.requests = requests;
    this.receiver = receiver;
    this.at = offset;
    this.end = offset + length;
    this.chunk = new byte[(int) Math.min(length, CHUNK_BYTES)];
    RegistryOptions options = requests.options();
    whole = Limit.after(options.clock(), patience);
    limit = stall.compareTo(patience) < 0 ? Limit.after(options.clock(), stall) : whole;
    attempts = new Attempts(limit, Integer.MAX_VALUE, options.jitter());
  }

  /** Returns early if no more is wanted, by the receiver or by who cancels it. */
  void run() throws IOException {
    RequestListener.current().cancellable(this::cancel);
    while (wanted && at < end && !limit.isCancelled()) {
      long before = at;
      try {
        request();
      } catch (IOException e) {
        if (limit.isCancelled()) {
          return;
        }
        if (at > before) {
          attempts.progressed();
        }
        attempts.failed(e);
      }
    }
  }

  /** Ends it from any thread, whatever it is waiting for, but for a pause between two requests. */
  void cancel() {
    limit.cancel();
  }

  private void request() throws IOException {
    try (Answer answer = requests.range(at, end - at, limit)) {
      try {
        long bodyEnd = at + requests.bodyLength(answer, at, end - at);
        long from = at;
        long said = at;
        while (wanted && at < bodyEnd) {
          int n = answer.read(chunk, 0, (int) Math.min(chunk.length, bodyEnd - at));
          if (n < 0) {
            throw BlobPlace.cutShort(answer, bodyEnd - from, at - from);
          }
          hand(n);
          if (at - said >= CHUNK_BYTES) {
            said = at;
            answer.progressed();
          }
        }
        if (wanted && answer.status() == 206 && !answer.isAtEnd()) {
          throw Failures.bad(answer, "body", bodyEnd - from + " bytes", "more");
        }
      } catch (RegistryException e) {
        if (!limit.isCancelled()) {
          answer.bad(e);
        }
        throw e;
      }
    }
  }

  private void hand(int length) throws IOException {
    long began = limit.clock().nanos();
    at += length;
    wanted = receiver.take(ByteBuffer.wrap(chunk, 0, length));
    sinceProgress += length;
    if (limit != whole) {
      long left = limit.remainingNanos() + (limit.clock().nanos() - began);
      if (sinceProgress >= CHUNK_BYTES) {
        sinceProgress = 0;
        left = limit.patience().toNanos();
      }
      limit.restart(Math.min(left, whole.remainingNanos()));
    }
  }
}
