package dev.obd.fuse;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * INIT, the first request of a connection: the two sides agree on a version and on limits.
 *
 * <pre>
 * request body                     answer, 64 bytes
 *  0 u32 major                      0 u32 major
 *  4 u32 minor                      4 u32 minor
 *  8 u32 max_readahead              8 u32 max_readahead
 * 12 u32 flags                     12 u32 flags
 *                                  16 u16 max_background
 *                                  18 u16 congestion_threshold
 *                                  20 u32 max_write
 *                                  24 u32 time_gran, ns
 * 16 u32 flags2                    28 u16 max_pages
 *                                  32 u32 flags2
 *                                  40 u16 request_timeout, s
 *                                  others 0
 * </pre>
 *
 * Source: Linux uapi {@code linux/fuse.h}, protocol 7.43.
 */
final class Handshake {
  /** Bytes of the answer's payload. */
  static final int REPLY_BYTES = 64;

  private static final int MAJOR = 7;

  /** What the layouts here follow; the kernel sends nothing newer to a server that says so. */
  private static final int MINOR = 43;

  /** Linux 4.20, the first with {@link #MAX_PAGES}. */
  private static final int OLDEST_MINOR = 28;

  private static final int ASYNC_READ = 1;
  private static final int BIG_WRITES = 1 << 5;
  private static final int ASYNC_DIO = 1 << 15;
  private static final int MAX_PAGES = 1 << 22;
  private static final int INIT_EXT = 1 << 30; // flags2 is there
  private static final int WANTED = ASYNC_READ | BIG_WRITES | ASYNC_DIO | MAX_PAGES | INIT_EXT;

  private static final int REQUEST_TIMEOUT = 1 << (42 - 32);
  private static final int WANTED2 = REQUEST_TIMEOUT;

  /**
   * Read-ahead and asynchronous direct I/O (all of a loop device's requests) under way at once; the
   * kernel's own default is 12. A loop device queues at most 128.
   */
  private static final int MAX_BACKGROUND = 256;

  private static final int CONGESTED = MAX_BACKGROUND * 3 / 4;

  /**
   * Linux 6.14 and newer end the connection if a request goes unanswered for so long, so that not
   * even a server that has stopped, or waits for itself, leaves processes that cannot be killed.
   * Far beyond what a device takes to give up a read; writes and flushes are waited for up to this.
   */
  private static final int TIMEOUT_SECONDS = 600;

  private static final int PAGE_BYTES = 4096;
  private static final int NANOSECOND = 1;

  private Handshake() {}

  /**
   * Answers an INIT.
   *
   * @param body the request's body
   * @param reply receives the answer from its position on
   * @return false if the kernel is to send another INIT, with a version that is spoken here
   * @throws IOException if the two have no common version
   */
  static boolean answer(ByteBuffer body, ByteBuffer reply) throws IOException {
    if (body.remaining() < 16) {
      throw new IOException("FUSE INIT: expected 16 bytes, got " + body.remaining());
    }
    int at = body.position();
    int major = body.getInt(at);
    int minor = body.getInt(at + 4);
    int readAheadBytes = body.getInt(at + 8);
    int offered = body.getInt(at + 12);
    boolean extended = (offered & INIT_EXT) != 0 && body.remaining() >= 20;
    int offered2 = extended ? body.getInt(at + 16) : 0;
    if (major < MAJOR || (major == MAJOR && minor < OLDEST_MINOR)) {
      throw new IOException(
          "FUSE protocol: expected "
              + (MAJOR
                  + "."
                  + OLDEST_MINOR
                  + " or newer (Linux 4.20), got "
                  + major
                  + "."
                  + minor));
    }
    int start = reply.position();
    for (int i = 0; i < REPLY_BYTES; i++) {
      reply.put((byte) 0);
    }
    reply.putInt(start, MAJOR).putInt(start + 4, Math.min(minor, MINOR));
    if (major > MAJOR) {
      reply.putInt(start + 4, MINOR);
      return false;
    }
    reply.putInt(start + 8, readAheadBytes).putInt(start + 12, WANTED & offered);
    reply.putShort(start + 16, (short) MAX_BACKGROUND).putShort(start + 18, (short) CONGESTED);
    reply.putInt(start + 20, OperationDecoder.MAX_DATA_BYTES).putInt(start + 24, NANOSECOND);
    reply.putShort(start + 28, (short) (OperationDecoder.MAX_DATA_BYTES / PAGE_BYTES));
    reply.putInt(start + 32, WANTED2 & offered2);
    reply.putShort(start + 40, (short) TIMEOUT_SECONDS);
    return true;
  }
}
