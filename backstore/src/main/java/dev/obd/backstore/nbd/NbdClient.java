package dev.obd.backstore.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A small NBD client: one request at a time, simple replies, any server that speaks fixed newstyle
 * with GO. Thread-safe: concurrent callers take turns; for parallel requests open several.
 *
 * <p>After an {@link IOException} that is no {@link NbdException} the connection is unusable and
 * further calls fail.
 */
public final class NbdClient implements Closeable {
  private static final int MAX_REPLY = 64 << 10; // of an option, with room for any error text

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final PatientChannel channel;
  private final ReentrantLock lock = new ReentrantLock();
  private long size;
  private int flags;
  private long cookie; // guarded by lock
  private boolean broken; // guarded by lock

  private NbdClient(PatientChannel channel) {
    this.channel = channel;
  }

  /**
   * Connects and asks for an export.
   *
   * @param uri see {@link NbdUri}
   * @param patience how long to wait for the server's next byte
   * @throws IOException if nobody answers or the export does not exist
   */
  public static NbdClient connect(URI uri, Duration patience) throws IOException {
    NbdUri where = NbdUri.parse(uri);
    var client = new NbdClient(PatientChannel.connect(where.address(), patience));
    boolean agreed = false;
    try {
      client.handshake(where.export());
      agreed = true;
      return client;
    } finally {
      if (!agreed) {
        client.channel.close();
      }
    }
  }

  /** The export's size in bytes. */
  public long size() {
    return size;
  }

  public boolean readOnly() {
    return (flags & Protocol.FLAG_READ_ONLY) != 0;
  }

  /** Fills {@code dst}, at most 32 MiB. */
  public void read(long offset, ByteBuffer dst) throws IOException {
    String what = "read of " + dst.remaining() + " bytes at " + offset;
    call(what, Protocol.CMD_READ, 0, offset, dst.remaining(), NOTHING, dst);
  }

  /** Writes all of {@code src}, at most 32 MiB. */
  public void write(long offset, ByteBuffer src) throws IOException {
    write(offset, src, 0);
  }

  /** Writes all of {@code src}; it is on stable storage when this returns. */
  public void writeDurably(long offset, ByteBuffer src) throws IOException {
    write(offset, src, Protocol.CMD_FLAG_FUA);
  }

  private void write(long offset, ByteBuffer src, int commandFlags) throws IOException {
    String what = "write of " + src.remaining() + " bytes at " + offset;
    call(what, Protocol.CMD_WRITE, commandFlags, offset, src.remaining(), src, NOTHING);
  }

  /** Everything answered before is on stable storage when this returns. */
  public void flush() throws IOException {
    call("flush", Protocol.CMD_FLUSH, 0, 0, 0, NOTHING, NOTHING);
  }

  /** Says that the range is no longer wanted. */
  public void trim(long offset, long length) throws IOException {
    String what = "trim of " + length + " bytes at " + offset;
    call(what, Protocol.CMD_TRIM, 0, offset, length, NOTHING, NOTHING);
  }

  /** The range reads as zeros afterwards. */
  public void writeZeroes(long offset, long length) throws IOException {
    String what = "write of " + length + " zeroes at " + offset;
    call(what, Protocol.CMD_WRITE_ZEROES, 0, offset, length, NOTHING, NOTHING);
  }

  /** Says good-bye and closes. */
  @Override
  public void close() throws IOException {
    lock.lock();
    try (channel) {
      if (!broken) {
        broken = true;
        channel.write(request(Protocol.CMD_DISC, 0, 0, 0), NOTHING);
      }
    } catch (IOException _) {
      // The server went first; nothing is lost by that.
    } finally {
      lock.unlock();
    }
  }

  private void call(
      String what,
      int command,
      int commandFlags,
      long offset,
      long length,
      ByteBuffer payload,
      ByteBuffer into)
      throws IOException {
    if (length < 0 || length > 0xffff_ffffL) {
      throw new IllegalArgumentException(what + ": more than a request can say");
    }
    lock.lock();
    try {
      if (broken) {
        throw new IOException("the NBD connection is closed");
      }
      broken = true; // until the reply is whole
      channel.write(request(command, commandFlags, offset, length), payload);
      ByteBuffer reply = receive(Protocol.SIMPLE_REPLY_BYTES);
      expect("reply magic", Protocol.SIMPLE_REPLY_MAGIC, reply.getInt());
      int error = reply.getInt();
      expect("reply cookie", cookie, reply.getLong());
      if (error == 0) {
        channel.read(into);
      }
      broken = false;
      if (error != 0) {
        throw new NbdException(what, error);
      }
    } finally {
      lock.unlock();
    }
  }

  private ByteBuffer request(int command, int commandFlags, long offset, long length) {
    return ByteBuffer.allocate(Protocol.REQUEST_BYTES)
        .putInt(Protocol.REQUEST_MAGIC)
        .putShort((short) commandFlags)
        .putShort((short) command)
        .putLong(++cookie)
        .putLong(offset)
        .putInt((int) length)
        .flip();
  }

  private void handshake(String export) throws IOException {
    ByteBuffer greeting = receive(18);
    expect("magic", Protocol.NBD_MAGIC, greeting.getLong());
    expect("option magic", Protocol.OPTION_MAGIC, greeting.getLong());
    int serverFlags = greeting.getShort();
    if ((serverFlags & Protocol.FIXED_NEWSTYLE) == 0) {
      throw new IOException("the NBD server does not speak fixed newstyle");
    }
    byte[] name = export.getBytes(UTF_8);
    ByteBuffer go =
        ByteBuffer.allocate(4 + 16 + 4 + name.length + 2)
            .putInt(serverFlags & (Protocol.FIXED_NEWSTYLE | Protocol.NO_ZEROES))
            .putLong(Protocol.OPTION_MAGIC)
            .putInt(Protocol.OPT_GO)
            .putInt(4 + name.length + 2)
            .putInt(name.length)
            .put(name)
            .putShort((short) 0)
            .flip();
    channel.write(go);
    boolean informed = false;
    while (true) {
      ByteBuffer header = receive(20);
      expect("option reply magic", Protocol.OPTION_REPLY_MAGIC, header.getLong());
      expect("option reply to", Protocol.OPT_GO, header.getInt());
      int type = header.getInt();
      ByteBuffer data = receive(bounded(header.getInt()));
      if (type == Protocol.REP_ACK) {
        break;
      }
      if (type < 0) {
        throw new IOException(
            "the NBD server refuses export \"" + export + "\": " + UTF_8.decode(data));
      }
      if (type == Protocol.REP_INFO
          && data.remaining() == 12
          && data.getShort() == Protocol.INFO_EXPORT) {
        size = data.getLong();
        flags = data.getShort() & 0xffff;
        informed = true;
      }
    }
    if (!informed || size < 0) {
      throw new IOException("the NBD server did not say the export's size");
    }
  }

  private static int bounded(int length) throws IOException {
    if (length < 0 || length > MAX_REPLY) {
      throw new IOException("NBD option reply length: at most " + MAX_REPLY + ", got " + length);
    }
    return length;
  }

  private ByteBuffer receive(int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    channel.read(buffer);
    return buffer.flip();
  }

  private static void expect(String field, long expected, long actual) throws IOException {
    if (expected != actual) {
      throw new IOException(
          "NBD "
              + field
              + ": expected 0x"
              + Long.toHexString(expected)
              + ", got 0x"
              + Long.toHexString(actual));
    }
  }
}
