package dev.obd.backstore.socket;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
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
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import jdk.net.ExtendedSocketOptions;

/** The two ways Netty can reach sockets here. */
public enum Transport {
  EPOLL(EpollServerSocketChannel.class, EpollServerDomainSocketChannel.class),
  NIO(NioServerSocketChannel.class, NioServerDomainSocketChannel.class);

  private static final int KEEPALIVE_IDLE_SECONDS = 60;

  private final Class<? extends ServerChannel> tcp;
  private final Class<? extends ServerChannel> unix;

  Transport(Class<? extends ServerChannel> tcp, Class<? extends ServerChannel> unix) {
    this.tcp = tcp;
    this.unix = unix;
  }

  public static Transport best() {
    return Epoll.isAvailable() ? EPOLL : NIO;
  }

  public Class<? extends ServerChannel> tcpServer() {
    return tcp;
  }

  public Class<? extends ServerChannel> unixServer() {
    return unix;
  }

  public SocketAddress unixAddress(Path path) {
    return switch (this) {
      case EPOLL -> new DomainSocketAddress(path.toFile());
      case NIO -> UnixDomainSocketAddress.of(path);
    };
  }

  /** How long a TCP connection may say nothing before its peer is probed, in seconds. */
  public ChannelOption<Integer> keepAliveIdle() {
    return switch (this) {
      case EPOLL -> EpollChannelOption.TCP_KEEPIDLE;
      case NIO -> NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPIDLE);
    };
  }

  public int keepAliveIdleSeconds() {
    return KEEPALIVE_IDLE_SECONDS;
  }

  /**
   * Waits for a server to listen.
   *
   * @param what the address, for the error
   * @throws IOException if it cannot
   */
  public static Channel listen(ChannelFuture bind, String what)
      throws IOException, InterruptedException {
    bind.await();
    Throwable failure = bind.cause();
    if (failure != null) {
      throw new IOException("cannot listen on " + what + ": " + failure.getMessage(), failure);
    }
    return bind.channel();
  }

  IoHandlerFactory ioHandler() {
    return switch (this) {
      case EPOLL -> EpollIoHandler.newFactory();
      case NIO -> NioIoHandler.newFactory();
    };
  }
}
