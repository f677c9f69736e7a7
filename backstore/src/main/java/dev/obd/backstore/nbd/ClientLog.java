package dev.obd.backstore.nbd;

import io.netty.channel.ChannelHandlerContext;
import java.net.SocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** Logs what clients did wrong, at a rate they do not control. One per server; thread-safe. */
@SuppressWarnings("FutureReturnValueIgnored") // nobody waits for a rejected client
final class ClientLog {
  private static final Logger log = LogManager.getLogger(NbdServer.class);
  private static final int BURST = 10;
  private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final AtomicLong windowStart = new AtomicLong(Long.MIN_VALUE / 2);
  private final AtomicInteger inWindow = new AtomicInteger();

  /** Logs {@code problem} and closes the connection. */
  void reject(ChannelHandlerContext ctx, String problem) {
    long now = ctx.executor().ticker().nanoTime();
    long start = windowStart.get();
    if (now - start >= WINDOW_NANOS && windowStart.compareAndSet(start, now)) {
      int suppressed = Math.max(0, inWindow.getAndSet(0) - BURST);
      if (suppressed > 0) {
        log.warn("nbd.client.rejected.more count={}", suppressed);
      }
    }
    if (inWindow.incrementAndGet() <= BURST) {
      SocketAddress peer = ctx.channel().remoteAddress();
      log.warn("nbd.client.rejected peer={} reason={}", peer, problem);
    }
    ctx.close();
  }

  void lost(ChannelHandlerContext ctx, Throwable cause) {
    log.debug("nbd.client.lost peer={}", ctx.channel().remoteAddress(), cause);
  }
}
