package dev.obd.registry.http;

import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.jspecify.annotations.Nullable;

/**
 * A response whose body is still to be read. Close it always: a body read to its end gives the
 * connection back, anything else gives the connection up. Not thread-safe.
 */
final class Answer implements Closeable {
  private static final int MAX_REST = 16 << 10;

  private final Call call;
  private final ClassicHttpResponse response;
  private final Limit limit;
  private final Runnable endWatch;
  private final Runnable abort;
  private @Nullable InputStream body;
  private boolean atEnd;
  private Consumer<RegistryException> whenBad = e -> {};

  Answer(Call call, ClassicHttpResponse response, Limit limit, Runnable endWatch, Runnable abort) {
    this.call = call;
    this.response = response;
    this.limit = limit;
    this.endWatch = endWatch;
    this.abort = abort;
    atEnd = response.getEntity() == null;
  }

  /** Tells {@code listener} if this turns out to be {@link #bad}. */
  Answer whenBad(Consumer<RegistryException> listener) {
    whenBad = listener;
    return this;
  }

  /** What came, or did not come, is the fault of whoever sent this. */
  void bad(RegistryException e) {
    whenBad.accept(e);
  }

  /** Much of the body has come. */
  void progressed() {
    limit.progressed();
  }

  int status() {
    return response.getCode();
  }

  URI uri() {
    return call.uri();
  }

  Call call() {
    return call;
  }

  Optional<String> header(String name) {
    Header first = response.getFirstHeader(name);
    return first == null ? Optional.empty() : Optional.ofNullable(first.getValue());
  }

  List<String> headers(String name) {
    var all = new ArrayList<String>();
    for (Header header : response.getHeaders(name)) {
      if (header.getValue() != null) {
        all.add(header.getValue());
      }
    }
    return all;
  }

  /** The body's length in bytes if announced, else -1. For HEAD too. */
  long contentLength() {
    Optional<String> text = header("Content-Length");
    if (text.isEmpty() || !text.get().strip().matches("[0-9]{1,18}")) {
      return -1;
    }
    return Long.parseLong(text.get().strip());
  }

  /**
   * Reads some bytes; -1 at the end.
   *
   * @throws RegistryException if the connection fails or the limit is over
   */
  int read(byte[] into, int offset, int length) throws IOException {
    HttpEntity entity = response.getEntity();
    if (atEnd || entity == null) {
      return -1;
    }
    try {
      InputStream in = body;
      if (in == null) {
        in = entity.getContent();
        body = in;
      }
      if (in == null) {
        atEnd = true;
        return -1;
      }
      int n = in.read(into, offset, length);
      atEnd = n < 0;
      return n;
    } catch (IOException e) {
      throw Failures.network(call, e, limit);
    } catch (IllegalStateException e) {
      // Cancelled while it was read: the client finds its connection gone.
      throw Failures.network(call, new IOException("the connection was given up", e), limit);
    }
  }

  /**
   * The whole body, which must not be longer than {@code max} bytes.
   *
   * @throws RegistryException if it is
   */
  byte[] all(int max) throws IOException {
    byte[] bytes = upTo(max);
    if (!isAtEnd()) {
      throw new RegistryException(
          Kind.REFUSED, status(), call + ": expected at most " + max + " bytes", null);
    }
    return bytes;
  }

  /** The first {@code max} bytes of the body, or all if it is shorter. */
  byte[] upTo(int max) throws IOException {
    byte[] bytes = new byte[Math.min(max, 8192)];
    int length = 0;
    while (length < max) {
      if (length == bytes.length) {
        bytes = java.util.Arrays.copyOf(bytes, Math.min(max, bytes.length * 2));
      }
      int n = read(bytes, length, bytes.length - length);
      if (n < 0) {
        break;
      }
      length += n;
    }
    return java.util.Arrays.copyOf(bytes, length);
  }

  /**
   * As {@link #upTo}, in a part of the time that is left: what would be nice to know must not cost
   * the call its time. The connection is given up then.
   */
  byte[] briefly(int max) throws IOException {
    Runnable endBrief = limit.share().watch(abort);
    try {
      return upTo(max);
    } finally {
      endBrief.run();
    }
  }

  /** True if nothing follows; looks for one more byte if need be. */
  boolean isAtEnd() throws IOException {
    return atEnd || read(new byte[1], 0, 1) < 0;
  }

  @Override
  public void close() {
    try {
      // A short rest is cheaper to read than a new connection is to open.
      if (!atEnd && contentLength() >= 0 && contentLength() <= MAX_REST) {
        briefly(MAX_REST + 1);
      }
    } catch (IOException e) {
      // The connection is given up below; the answer is not wanted any more.
    } finally {
      endWatch.run();
      if (!atEnd) {
        abort.run();
      }
      try {
        response.close();
      } catch (IOException | IllegalStateException e) {
        // It was closed because it failed, or fails because it was closed.
      }
    }
  }
}
