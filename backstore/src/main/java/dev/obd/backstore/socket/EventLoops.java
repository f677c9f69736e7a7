package dev.obd.backstore.socket;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The event loops that all servers share, however many there are: started for the first server,
 * stopped after the last.
 */
public final class EventLoops {
  private static final int MAX_THREADS = 4; // they only parse and copy
  private static final Map<Transport, EventLoops> RUNNING = new EnumMap<>(Transport.class);

  private final Transport transport;
  private final MultiThreadIoEventLoopGroup group;
  private int users; // guarded by RUNNING, as the map is

  private EventLoops(Transport transport) {
    this.transport = transport;
    this.group =
        new MultiThreadIoEventLoopGroup(
            Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()),
            new DefaultThreadFactory("obd-net", true),
            transport.ioHandler());
  }

  /** The loops of {@code transport}; give them back with {@link #release}. */
  public static EventLoops acquire(Transport transport) {
    synchronized (RUNNING) {
      EventLoops loops = RUNNING.computeIfAbsent(transport, EventLoops::new);
      loops.users++;
      return loops;
    }
  }

  public EventLoopGroup group() {
    return group;
  }

  @SuppressWarnings("FutureReturnValueIgnored") // daemon threads; nobody waits for their end
  public void release() {
    synchronized (RUNNING) {
      if (--users == 0) {
        RUNNING.remove(transport);
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS);
      }
    }
  }
}
