package dev.obd.fuse;

import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicBoolean;

/** The one answer to a request; a second one is dropped. Counts as in flight until it is sent. */
final class Answer {
  private final Channel channel;
  private final long unique;
  private final Phaser inFlight;
  private final AtomicBoolean sent = new AtomicBoolean();

  Answer(Channel channel, long unique, Phaser inFlight) {
    this.channel = channel;
    this.unique = unique;
    this.inFlight = inFlight;
    inFlight.register();
  }

  /** Sends {@code errno} if it is not 0, else the buffer's payload up to its position. */
  void send(ReplyBuffer buffer, int errno) {
    if (sent.compareAndSet(false, true)) {
      try {
        channel.send(buffer.answer(unique, errno));
      } finally {
        inFlight.arriveAndDeregister();
      }
    }
  }

  /** Sends an error, for when there is no buffer that may be used. */
  void fail(int errno) {
    send(new ReplyBuffer(0), errno);
  }
}
