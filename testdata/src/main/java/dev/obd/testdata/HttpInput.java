package dev.obd.testdata;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads HTTP/1.x messages from a connection: lines, header fields, bodies. Not thread-safe. */
final class HttpInput {
  private static final int MAX_HEAD = 64 << 10;

  private final InputStream in;
  private int headBytes;

  HttpInput(InputStream in) {
    this.in = new BufferedInputStream(in, 32 << 10);
  }

  /** The start line of the next message, or null if the peer closed the connection first. */
  @Nullable String startLine() throws IOException {
    headBytes = 0;
    String line = line();
    while (line != null && line.isEmpty()) { // RFC 9112 §2.2: tolerate empty lines
      line = line();
    }
    return line;
  }

  /** The header fields by lower-case name, up to and with the empty line. */
  Map<String, String> headers() throws IOException {
    var headers = new LinkedHashMap<String, String>();
    while (true) {
      String line = line();
      if (line == null) {
        throw new EOFException("connection closed inside a message head");
      }
      if (line.isEmpty()) {
        return headers;
      }
      int colon = line.indexOf(':');
      if (colon <= 0) {
        throw new IOException("not a header field: " + line);
      }
      headers.merge(
          line.substring(0, colon).toLowerCase(Locale.ROOT),
          line.substring(colon + 1).strip(),
          (a, b) -> a + ", " + b);
    }
  }

  /** The body that these headers announce; empty if they announce none. */
  InputStream body(Map<String, String> headers) throws IOException {
    String coding = headers.get("transfer-encoding");
    if (coding != null) {
      return new ChunkedBody();
    }
    String length = headers.get("content-length");
    return length == null ? InputStream.nullInputStream() : new SizedBody(Long.parseLong(length));
  }

  /** Everything up to the end of the connection. */
  InputStream rest() {
    return in;
  }

  private @Nullable String line() throws IOException {
    var line = new StringBuilder();
    while (true) {
      int c = in.read();
      if (c < 0) {
        if (line.isEmpty()) {
          return null;
        }
        throw new EOFException("connection closed inside a line");
      }
      if (++headBytes > MAX_HEAD) {
        throw new IOException("message head longer than " + MAX_HEAD + " bytes");
      }
      if (c == '\n') {
        return line.toString();
      }
      if (c != '\r') {
        line.append((char) c);
      }
    }
  }

  /** A body of known length. */
  private final class SizedBody extends InputStream {
    private long left;

    SizedBody(long length) {
      this.left = length;
    }

    @Override
    public int read() throws IOException {
      var one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] into, int at, int length) throws IOException {
      if (left == 0) {
        return -1;
      }
      int n = in.read(into, at, (int) Math.min(length, left));
      if (n < 0) {
        throw new EOFException("connection closed with " + left + " bytes of the body missing");
      }
      left -= n;
      return n;
    }
  }

  /** A body in chunks. */
  private final class ChunkedBody extends InputStream {
    private long left;
    private boolean first = true;
    private boolean last;

    @Override
    public int read() throws IOException {
      var one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] into, int at, int length) throws IOException {
      if (left == 0 && !last) {
        nextChunk();
      }
      if (last) {
        return -1;
      }
      int n = in.read(into, at, (int) Math.min(length, left));
      if (n < 0) {
        throw new EOFException("connection closed inside a chunk");
      }
      left -= n;
      return n;
    }

    private void nextChunk() throws IOException {
      headBytes = 0;
      String size = first ? line() : afterChunk();
      first = false;
      if (size == null) {
        throw new EOFException("connection closed between chunks");
      }
      int extension = size.indexOf(';');
      left = Long.parseLong((extension < 0 ? size : size.substring(0, extension)).strip(), 16);
      if (left == 0) {
        last = true;
        headers(); // trailers
      }
    }

    private @Nullable String afterChunk() throws IOException {
      line(); // the CRLF that ends a chunk
      return line();
    }
  }
}
