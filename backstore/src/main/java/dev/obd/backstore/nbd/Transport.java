package dev.obd.backstore.nbd;

import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/** The two ways Netty can reach sockets here, and the event loops that all servers share. */
enum Transport {
  EPOLL(EpollServerSocketChannel.class, EpollServerDomainSocketChannel.class),
  NIO(NioServerSocketChannel.class, NioServerDomainSocketChannel.class);

  private static final int MAX_THREADS = 4; // they only parse and copy
  private static final int KEEPALIVE_IDLE_SECONDS = 60;

  private final Class<? extends ServerChannel> tcp;
  private final Class<? extends ServerChannel> unix;
  private int users; // guarded by this
  private @Nullable MultiThreadIoEventLoopGroup loops; // guarded by this

  Transport(Class<? extends ServerChannel> tcp, Class<? extends ServerChannel> unix) {
    this.tcp = tcp;
    this.unix = unix;
  }

  static Transport best() {
    return Epoll.isAvailable() ? EPOLL : NIO;
  }

  Class<? extends ServerChannel> tcpServer() {
    return tcp;
  }

  Class<? extends ServerChannel> unixServer() {
    return unix;
  }

  SocketAddress unixAddress(Path path) {
    return switch (this) {
      case EPOLL -> new DomainSocketAddress(path.toFile());
      case NIO -> UnixDomainSocketAddress.of(path);
    };
  }

  /** How long a TCP connection may say nothing before its peer is probed, in seconds. */
  ChannelOption<Integer> keepAliveIdle() {
    return switch (this) {
      case EPOLL -> EpollChannelOption.TCP_KEEPIDLE;
      case NIO -> NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPIDLE);
    };
  }

  int keepAliveIdleSeconds() {
    return KEEPALIVE_IDLE_SECONDS;
  }

  /** The shared loops, started for the first user; each user gives them back. */
  synchronized MultiThreadIoEventLoopGroup acquireLoops() {
    MultiThreadIoEventLoopGroup running = loops;
    if (running == null) {
      IoHandlerFactory factory =
          switch (this) {
            case EPOLL -> EpollIoHandler.newFactory();
            case NIO -> NioIoHandler.newFactory();
          };
      int threads = Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors());
      running =
          new MultiThreadIoEventLoopGroup(
              threads, new DefaultThreadFactory("obd-nbd", true), factory);
      loops = running;
    }
    users++;
    return running;
  }

  /** Stops the loops after the last user. */
  synchronized void releaseLoops() {
    if (--users == 0 && loops != null) {
      loops.shutdownGracefully(0, 5, TimeUnit.SECONDS);
      loops = null;
    }
  }
}
