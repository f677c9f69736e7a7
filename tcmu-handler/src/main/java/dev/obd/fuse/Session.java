package dev.obd.fuse;

import dev.obd.nativeio.Fd;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Serves one mounted connection until it is unmounted. Reader threads (platform threads: each is
 * blocked in a system call most of its life) take requests from a channel of their own. At least
 * one of them is always free to take the next, however many requests wait for the device.
 */
final class Session implements Closeable {
  private static final Logger log = LogManager.getLogger(Session.class);

  private static final int REQUEST_BYTES = (4 << 10) + OperationDecoder.MAX_DATA_BYTES;
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(30);
  private static final int FUSE_NOTIFY_INVAL_INODE = 2;
  private static final int NOTICE_BYTES = 16 + 24;

  private final String name;
  private final Dispatcher dispatcher;
  private final Phaser inFlight;
  private final List<Channel> channels;
  private final CountDownLatch readers;

  /** Readers that wait for a request. */
  private final AtomicInteger atTheirPost = new AtomicInteger();

  private volatile boolean endExpected;

  private Session(String name, Dispatcher dispatcher, Phaser inFlight, List<Channel> channels) {
    this.name = name;
    this.dispatcher = dispatcher;
    this.inFlight = inFlight;
    this.channels = channels;
    this.readers = new CountDownLatch(channels.size());
  }

  /**
   * Shakes hands with the kernel and begins to serve. Owns {@code fuse}, which is mounted, from now
   * on. Waits for the kernel: to be called on a platform thread.
   *
   * @param name what logs call it: the path of the file
   * @param readerCount threads that take requests from the kernel, at least 1
   */
  static Session start(String name, Fd fuse, DeviceCalls device, OneFile file, int readerCount)
      throws IOException {
    var channels = new ArrayList<Channel>();
    channels.add(new Channel(fuse));
    try {
      shakeHands(channels.getFirst());
      while (channels.size() < readerCount) {
        channels.add(channels.getFirst().another());
      }
    } catch (IOException | RuntimeException e) {
      for (Channel channel : channels) {
        channel.close();
      }
      throw e;
    }
    var inFlight = new Phaser(1); // the party is this session, see close
    var dispatcher = new Dispatcher(device, file, inFlight);
    var session = new Session(name, dispatcher, inFlight, List.copyOf(channels));
    for (int i = 0; i < channels.size(); i++) {
      Channel channel = channels.get(i);
      Thread.ofPlatform()
          .name("obd-fuse-" + i)
          .daemon()
          .start(() -> session.readUntilUnmounted(channel));
    }
    return session;
  }

  private static void shakeHands(Channel channel) throws IOException {
    ByteBuffer request = requestBuffer();
    var reply = new ReplyBuffer(Handshake.REPLY_BYTES);
    boolean agreed = false;
    while (!agreed) {
      if (!channel.receive(request)) {
        throw new IOException("FUSE: unmounted before the handshake");
      }
      RequestHeader header = RequestHeader.of(request);
      if (header.opcode() != OperationDecoder.INIT) {
        throw new IOException("FUSE: first request: expected INIT, got " + header.opcode());
      }
      agreed = Handshake.answer(request.position(RequestHeader.BYTES), reply.payload());
      channel.send(reply.answer(header.unique(), 0));
    }
  }

  private static ByteBuffer requestBuffer() {
    return ByteBuffer.allocateDirect(REQUEST_BYTES).order(ByteOrder.nativeOrder());
  }

  private void readUntilUnmounted(Channel channel) {
    ByteBuffer request = requestBuffer();
    var small = new ReplyBuffer(ReplyBuffer.SMALL);
    try {
      while (true) {
        boolean received;
        int others;
        atTheirPost.incrementAndGet();
        try {
          received = channel.receive(request);
        } finally {
          others = atTheirPost.decrementAndGet();
        }
        if (!received) {
          return;
        }
        // Not changing threads halves the time of a read whose bytes are near. If they are not,
        // this reader is away for long; so the last one at its post passes requests on.
        dispatcher.dispatch(channel, request, small, others > 0);
      }
    } catch (IOException | RuntimeException | Error e) {
      log.error("fuse.reader.failed file={}", name, e);
    } finally {
      readers.countDown();
      if (readers.getCount() == 0) {
        // Whatever ended the readers: with its last channel the kernel ends the connection, so that
        // nobody waits for an answer that will not come.
        closeChannels();
        if (!endExpected) {
          log.warn("fuse.unmounted.by.others file={}", name);
        }
      }
    }
  }

  /**
   * Tells the kernel that the file has another size: what it knows of its attributes is out of
   * date, what it knows of its content is not.
   */
  void sizeChanged() {
    ByteBuffer notice = ByteBuffer.allocateDirect(NOTICE_BYTES).order(ByteOrder.nativeOrder());
    // struct fuse_out_header: a reply to nobody is a notice; the error's place says which
    notice.putInt(NOTICE_BYTES).putInt(FUSE_NOTIFY_INVAL_INODE).putLong(0);
    // struct fuse_notify_inval_inode_out: inode, offset (negative: attributes only), length
    notice.putLong(1).putLong(-1).putLong(0);
    channels.getFirst().send(notice.flip());
  }

  /** Whether it is this process that is about to unmount; if not, the end is worth a warning. */
  void expectEnd(boolean expected) {
    endExpected = expected;
  }

  private void closeChannels() {
    for (Channel channel : channels) {
      try {
        channel.close();
      } catch (IOException e) {
        log.warn("fuse.close.failed file={}", name, e);
      }
    }
  }

  /**
   * Waits until the readers have ended, which they do because the file system was unmounted, and
   * until requests in flight are answered; at most 30 s for both.
   */
  @Override
  public void close() throws IOException {
    try {
      if (!readers.await(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IOException(name + ": unmounted, but requests are still under way");
      }
      inFlight.awaitAdvanceInterruptibly(
          inFlight.arriveAndDeregister(), CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException _) {
      log.warn("fuse.close.unanswered file={} requests={}", name, inFlight.getUnarrivedParties());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new IOException(name + ": interrupted while waiting for requests in flight");
    }
  }
}
