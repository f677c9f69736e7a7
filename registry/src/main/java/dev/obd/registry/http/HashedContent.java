package dev.obd.registry.http;

import dev.obd.registry.BlobContent;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * Content on its way to a registry. Hashes all it passes and lets the last bytes go only if the
 * digest is right, so that an upload of wrong bytes never completes. Going back opens the content
 * again. Not thread-safe.
 */
final class HashedContent implements Closeable {
  private static final int BUFFER = 1 << 16;

  private final Descriptor descriptor;
  private final BlobContent content;
  private final byte[] buffer = new byte[BUFFER];
  private @Nullable InputStream in;
  private MessageDigest hasher = Digest.hasher();
  private long position;

  HashedContent(Descriptor descriptor, BlobContent content) {
    this.descriptor = descriptor;
    this.content = content;
  }

  /** Told after every piece. */
  interface Sent {
    void upTo(long position);
  }

  /** Writes {@code [from, from + length)} to {@code out}. */
  void copyTo(OutputStream out, long from, long length, Sent sent) throws IOException {
    InputStream source = at(from);
    long end = from + length;
    while (position < end) {
      int n = fill(source, (int) Math.min(buffer.length, end - position));
      if (position == descriptor.size()) {
        verify(source);
      }
      out.write(buffer, 0, n);
      sent.upTo(position);
    }
    if (descriptor.size() == 0) {
      verify(source);
    }
  }

  private InputStream at(long target) throws Call.ContentException {
    InputStream source = in;
    if (source == null || position > target) {
      close();
      hasher = Digest.hasher();
      position = 0;
      try {
        source = content.open();
      } catch (IOException e) {
        throw failed("cannot be opened", e);
      }
      in = source;
    }
    while (position < target) {
      fill(source, (int) Math.min(buffer.length, target - position));
    }
    return source;
  }

  private int fill(InputStream source, int most) throws Call.ContentException {
    int n;
    try {
      n = source.read(buffer, 0, most);
    } catch (IOException e) {
      throw failed("cannot be read at " + position, e);
    }
    if (n < 0) {
      throw failed("expected " + descriptor.size() + " bytes, got " + position, null);
    }
    hasher.update(buffer, 0, n);
    position += n;
    return n;
  }

  private void verify(InputStream source) throws Call.ContentException {
    int next;
    try {
      next = source.read();
    } catch (IOException e) {
      throw failed("cannot be read at " + position, e);
    }
    if (next >= 0) {
      throw failed("expected " + descriptor.size() + " bytes, got more", null);
    }
    Digest actual = Digest.finish(hasher);
    close(); // the hasher is spent: whoever comes back starts over
    if (!actual.equals(descriptor.digest())) {
      throw failed("has digest " + actual, null);
    }
  }

  private Call.ContentException failed(String why, @Nullable IOException cause) {
    String detail = cause == null ? "" : ": " + cause.getMessage();
    return new Call.ContentException(
        "content of " + descriptor.digest() + " " + why + detail, cause);
  }

  @Override
  public void close() {
    InputStream source = in;
    in = null;
    if (source != null) {
      try {
        source.close();
      } catch (IOException e) {
        // All that was wanted of it has been read.
      }
    }
  }
}
