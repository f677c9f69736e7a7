package dev.obd.backstore.admin;

import dev.obd.backstore.socket.EventLoops;
import dev.obd.backstore.socket.Transport;
import dev.obd.backstore.socket.UnixSocketFile;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.WriteTimeoutHandler;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/1.1 server for few clients and small requests. Each connection has one request at work at
 * a time, on a platform thread of its own, so a handler may take as long as it takes without others
 * waiting for it. Thread-safe.
 */
public final class AdminServer implements Closeable {
  private static final Logger log = LogManager.getLogger(AdminServer.class);
  private static final int BACKLOG = 64;
  private static final long CLOSE_SECONDS = 5;
  private static final Set<PosixFilePermission> OWNER =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> OWNER_AND_GROUP =
      PosixFilePermissions.fromString("rw-rw----");

  private final Transport transport;
  private final EventLoops loops;
  private final AdminLimits limits;
  private final List<Route> routes;
  private final ExecutorService threads =
      Executors.newCachedThreadPool(Thread.ofPlatform().name("obd-admin-", 0).daemon().factory());
  private final ChannelGroup connections =
      new DefaultChannelGroup("admin", GlobalEventExecutor.INSTANCE);
  private final AtomicBoolean closed = new AtomicBoolean();
  private @Nullable Channel listener;
  private @Nullable UnixSocketFile file;

  private AdminServer(List<Route> routes, AdminLimits limits) {
    this.transport = Transport.best();
    this.loops = EventLoops.acquire(transport);
    this.limits = limits;
    this.routes = List.copyOf(routes);
  }

  /**
   * Serves {@code routes} on a unix socket; once this returns, clients can connect.
   *
   * @param group who may use it besides the owner; empty for nobody
   * @throws IOException if somebody listens there, or it cannot be made
   */
  public static AdminServer unix(Path path, Optional<String> group, List<Route> routes)
      throws IOException, InterruptedException {
    return unix(path, group, routes, AdminLimits.DEFAULTS);
  }

  static AdminServer unix(Path path, Optional<String> group, List<Route> routes, AdminLimits limits)
      throws IOException, InterruptedException {
    return start(
        new AdminServer(routes, limits),
        server -> {
          server.file =
              UnixSocketFile.bind(
                  path,
                  group.isPresent() ? OWNER_AND_GROUP : OWNER,
                  at -> {
                    ServerBootstrap bootstrap =
                        server.bootstrap().channel(server.transport.unixServer());
                    server.listener =
                        Transport.listen(
                            bootstrap.bind(server.transport.unixAddress(at)), "unix:" + path);
                    if (group.isPresent()) {
                      give(at, group.get());
                    }
                  });
        });
  }

  /** As above on TCP; port 0 takes a free one. */
  public static AdminServer tcp(InetSocketAddress address, List<Route> routes)
      throws IOException, InterruptedException {
    return tcp(address, routes, AdminLimits.DEFAULTS);
  }

  static AdminServer tcp(InetSocketAddress address, List<Route> routes, AdminLimits limits)
      throws IOException, InterruptedException {
    return start(
        new AdminServer(routes, limits),
        server ->
            server.listener =
                Transport.listen(
                    server
                        .bootstrap()
                        .channel(server.transport.tcpServer())
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .bind(address),
                    "tcp:" + address));
  }

  private interface Binding {
    void bind(AdminServer server) throws IOException, InterruptedException;
  }

  private static AdminServer start(AdminServer server, Binding binding)
      throws IOException, InterruptedException {
    boolean started = false;
    try {
      binding.bind(server);
      started = true;
      log.info("admin.listening address={}", server.address());
      return server;
    } finally {
      if (!started) {
        server.close();
      }
    }
  }

  private static void give(Path socket, String group) throws IOException {
    GroupPrincipal principal =
        socket.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByGroupName(group);
    Objects.requireNonNull(Files.getFileAttributeView(socket, PosixFileAttributeView.class))
        .setGroup(principal);
  }

  private ServerBootstrap bootstrap() {
    return new ServerBootstrap()
        .group(loops.group())
        .option(ChannelOption.SO_BACKLOG, BACKLOG)
        .childHandler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                accept(channel);
              }
            });
  }

  @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for a client turned away
  private void accept(Channel channel) {
    if (connections.size() >= limits.connections() || closed.get()) {
      log.warn("admin.refused connections={}", connections.size());
      channel.close();
      return;
    }
    connections.add(channel);
    ChannelPipeline pipeline = channel.pipeline();
    pipeline.addLast(
        new HttpServerCodec(
            new HttpDecoderConfig()
                .setMaxInitialLineLength(limits.headerBytes())
                .setMaxHeaderSize(limits.headerBytes())
                .setMaxChunkSize(limits.bodyBytes())));
    pipeline.addLast(new WriteTimeoutHandler(limits.answerTime().toSeconds(), TimeUnit.SECONDS));
    pipeline.addLast(new BoundedAggregator(limits.bodyBytes()));
    pipeline.addLast(new Conversation(routes, threads, limits));
    if (closed.get()) { // whoever closes has looked through the group already
      channel.close();
    }
  }

  /** Where it listens: {@code unix:PATH} or {@code tcp:HOST:PORT}. */
  public String address() {
    UnixSocketFile socket = file;
    if (socket != null) {
      return "unix:" + socket.path();
    }
    return listener != null && listener.localAddress() instanceof InetSocketAddress tcp
        ? "tcp:" + tcp.getHostString() + ":" + tcp.getPort()
        : "nowhere";
  }

  /** The port, or -1 on a unix socket. */
  public int port() {
    return listener != null && listener.localAddress() instanceof InetSocketAddress tcp
        ? tcp.getPort()
        : -1;
  }

  /**
   * Takes no more clients, lets those answers go out that come within a few seconds, and removes
   * the socket file. Idempotent.
   */
  @Override
  public void close() throws IOException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      if (listener != null) {
        listener.close().awaitUninterruptibly();
      }
      if (file != null) {
        file.remove();
      }
    } finally {
      threads.shutdown();
      try {
        if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
          log.warn("admin.close.busy address={}", address());
        }
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
      }
      connections.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
      loops.release();
    }
  }
}
