package dev.obd.testdata;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/** A way in which a server or the network misbehaves. Positions count bytes of the reply's body. */
public sealed interface Fault {
  /** Answers with this status and an error body, without looking at the request. */
  record Status(int code, Map<String, String> headers) implements Fault {
    public Status {
      headers = Map.copyOf(headers);
    }

    public Status(int code) {
      this(code, Map.of());
    }

    /** With {@code Retry-After}, in whole seconds. */
    public static Status retryAfter(int code, Duration wait) {
      return new Status(code, Map.of("Retry-After", Long.toString(wait.toSeconds())));
    }
  }

  /** The right answer, later. */
  record Delay(Duration by) implements Fault {}

  /** Closes the connection without a word. */
  record Dropped() implements Fault {}

  /** Answers these bytes instead of HTTP, then closes. */
  record Garbage(String bytes) implements Fault {
    byte[] raw() {
      return bytes.getBytes(StandardCharsets.ISO_8859_1);
    }
  }

  /** Header fields without end. */
  record EndlessHead() implements Fault {}

  /** Closes in order after so many bytes of the announced body. */
  record Truncated(long after) implements Fault {}

  /** Resets the connection after so many bytes of the announced body. */
  record Reset(long after) implements Fault {}

  /** Sends nothing more after so many bytes; the connection stays open. */
  record Stalled(long after) implements Fault {}

  /** The right bytes, but slowly. */
  record Trickled(long bytesPerSecond) implements Fault {}

  /** A body of the right length with {@code count} wrong bytes at {@code at}. */
  record WrongBytes(long at, long count) implements Fault {
    public static final WrongBytes ALL = new WrongBytes(0, Long.MAX_VALUE);

    boolean hits(long position) {
      return position >= at && position - at < count;
    }
  }

  /** 200 and the whole body, whatever range was asked for. */
  record IgnoredRange() implements Fault {}

  /** A Content-Range that names another place than was asked for, with the bytes of that place. */
  record ShiftedRange(long by) implements Fault {}

  /** 206 without a Content-Range. */
  record NoContentRange() implements Fault {}

  /** 206 of type multipart/byteranges. */
  record Multipart() implements Fault {}

  /** Status and length of an empty body. */
  record Empty() implements Fault {}

  /** Content-Encoding: gzip, asked for or not. */
  record Gzipped() implements Fault {}

  /** No capital letters in the names of header fields. */
  record LowerCaseHead() implements Fault {}

  /** HTTP/1.0: no length, the end of the connection is the end of the body. */
  record Http10() implements Fault {}

  /** HTTP/1.1 without Content-Length; the end of the connection is the end of the body. */
  record NoLength() implements Fault {}

  /** Transfer-Encoding: chunked. */
  record Chunked() implements Fault {}

  /** A Date field with this time in it. */
  record Dated(Instant time) implements Fault {}

  /** Longer than announced: this many more bytes follow the body. */
  record TooLong(int by) implements Fault {}
}
