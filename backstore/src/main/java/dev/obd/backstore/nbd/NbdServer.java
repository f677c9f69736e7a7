package dev.obd.backstore.nbd;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.socket.EventLoops;
import dev.obd.backstore.socket.Transport;
import dev.obd.backstore.socket.UnixSocketFile;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * An NBD server: one socket, any number of exports that may come and go. Does not own the devices.
 * Thread-safe.
 */
public final class NbdServer implements Closeable {
  private static final Logger log = LogManager.getLogger(NbdServer.class);
  private static final int BACKLOG = 128;
  private static final int RECEIVE_MAX = 256 << 10;
  private static final WriteBufferWaterMark WATER_MARK =
      new WriteBufferWaterMark(256 << 10, 4 << 20);

  private final EventLoops loops;
  private final Limits limits;
  private final Exports exports;
  private final ClientLog clientLog = new ClientLog();
  private final ChannelGroup connections =
      new DefaultChannelGroup("nbd", GlobalEventExecutor.INSTANCE);
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Channel listener;
  private final @Nullable UnixSocketFile file;

  private NbdServer(Builder builder, EventLoops loops) throws IOException, InterruptedException {
    this.loops = loops;
    Transport transport = builder.transport;
    this.limits = builder.limits;
    this.exports = new Exports(builder.defaultExport);
    builder.exports.forEach((name, device) -> exports.add(name, device, null));
    var bootstrap =
        new ServerBootstrap()
            .group(loops.group())
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childOption(ChannelOption.ALLOCATOR, builder.allocator)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
            .childOption(
                ChannelOption.RECVBUF_ALLOCATOR,
                new AdaptiveRecvByteBufAllocator(2048, 16 << 10, RECEIVE_MAX))
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accept(channel);
                  }
                });
    InetSocketAddress tcp = builder.tcp;
    if (tcp != null) {
      bootstrap
          .channel(transport.tcpServer())
          .option(ChannelOption.SO_REUSEADDR, true)
          .childOption(ChannelOption.TCP_NODELAY, true)
          .childOption(ChannelOption.SO_KEEPALIVE, true)
          .childOption(transport.keepAliveIdle(), transport.keepAliveIdleSeconds());
      this.file = null;
      this.listener = Transport.listen(bootstrap.bind(tcp), "tcp:" + tcp);
    } else {
      bootstrap.channel(transport.unixServer());
      var bound = new Channel[1];
      this.file =
          UnixSocketFile.bind(
              Objects.requireNonNull(builder.unix),
              builder.mode,
              at ->
                  bound[0] =
                      Transport.listen(
                          bootstrap.bind(transport.unixAddress(at)), "unix:" + builder.unix));
      this.listener = bound[0];
    }
    log.info("nbd.listening address={} transport={}", uri(""), transport);
  }

  @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for a client turned away
  private void accept(Channel channel) {
    if (connections.size() >= limits.maxConnections()) {
      channel
          .pipeline()
          .addLast(
              new io.netty.channel.ChannelInboundHandlerAdapter() {
                @Override
                public void channelActive(ChannelHandlerContext ctx) {
                  clientLog.reject(ctx, "more than " + limits.maxConnections() + " connections");
                }
              });
      return;
    }
    connections.add(channel);
    channel
        .pipeline()
        .addLast(
            "handshake",
            new HandshakeHandler(
                exports,
                limits,
                clientLog,
                session -> new TransmissionHandler(session, limits, clientLog)));
    if (closed.get()) { // whoever closes has looked through the group already
      channel.close();
    }
  }

  /** Starts with nothing but the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** What to type to reach an export. */
  public String uri(String exportName) {
    return file != null
        ? NbdUri.ofUnix(file.path(), exportName).toString()
        : NbdUri.ofTcp((InetSocketAddress) listener.localAddress(), exportName).toString();
  }

  /** The port, or -1 on a unix socket. */
  public int port() {
    return listener.localAddress() instanceof InetSocketAddress tcp ? tcp.getPort() : -1;
  }

  /**
   * Serves {@code device} under {@code name}, at most 4096 bytes of UTF-8, from now on.
   *
   * @return closing it removes the export: its clients are disconnected once their requests in work
   *     are answered
   * @throws IllegalArgumentException if the name is taken
   */
  public Export add(String name, BlockDevice device) {
    return add(name, device, null);
  }

  /** With {@code threads} to run requests on, instead of the device's. */
  Export add(String name, BlockDevice device, @Nullable Executor threads) {
    NbdExport export = exports.add(name, device, threads);
    return new Export() {
      @Override
      public String address() {
        return uri(name);
      }

      @Override
      public void close() {
        if (exports.remove(export)) {
          disconnect(List.of(export));
        }
      }
    };
  }

  /** The names clients may ask for, in order. */
  public List<String> exportNames() {
    return exports.all().stream().map(NbdExport::name).toList();
  }

  /** How many clients are connected. */
  public int connections() {
    return connections.size();
  }

  private void disconnect(List<NbdExport> gone) {
    var clients = new DefaultChannelGroup("nbd", GlobalEventExecutor.INSTANCE);
    for (NbdExport export : gone) {
      for (TransmissionHandler client : export.close()) {
        clients.add(client.channel());
        client.retire();
      }
    }
    if (!clients
        .newCloseFuture()
        .awaitUninterruptibly(limits.drainTimeout().toNanos(), TimeUnit.NANOSECONDS)) {
      log.warn("nbd.drain.timeout address={} clients={}", listener.localAddress(), clients.size());
      clients.close().awaitUninterruptibly();
    }
  }

  /**
   * Takes no more clients, waits for requests in work, disconnects everybody and removes the socket
   * file. Idempotent.
   */
  @Override
  public void close() throws IOException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      listener.close().awaitUninterruptibly();
      if (file != null) {
        file.remove();
      }
    } finally {
      List<NbdExport> all = exports.all();
      all.forEach(exports::remove);
      disconnect(all);
      connections.close().awaitUninterruptibly(); // those still in their handshake
      loops.release();
      log.info("nbd.closed address={}", listener.localAddress());
    }
  }

  /** Puts a server together. */
  public static final class Builder {
    private final Map<String, BlockDevice> exports = new LinkedHashMap<>();
    private Transport transport = Transport.best();
    private Limits limits = Limits.DEFAULTS;
    private ByteBufAllocator allocator = ByteBufAllocator.DEFAULT;
    private Set<PosixFilePermission> mode = PosixFilePermissions.fromString("rw-------");
    private @Nullable String defaultExport;
    private @Nullable Path unix;
    private @Nullable InetSocketAddress tcp;

    private Builder() {}

    /** Listens on a unix socket; replaces a socket file that nobody listens on. */
    public Builder unix(Path path) {
      unix = path;
      tcp = null;
      return this;
    }

    /** Who may connect to the unix socket; the owner alone by default. */
    public Builder mode(Set<PosixFilePermission> permissions) {
      mode = Set.copyOf(permissions);
      return this;
    }

    /** Listens on TCP; port 0 takes a free one. */
    public Builder tcp(InetSocketAddress address) {
      tcp = address;
      unix = null;
      return this;
    }

    /** Serves {@code device} from the start. */
    public Builder export(String name, BlockDevice device) {
      exports.put(name, device);
      return this;
    }

    /** What clients get that name no export; by default the only export there is. */
    public Builder defaultExport(String name) {
      defaultExport = name;
      return this;
    }

    /** More clients are turned away; 128 by default. */
    public Builder maxConnections(int count) {
      return limits(
          new Limits(
              count,
              limits.maxRequests(),
              limits.maxBytes(),
              limits.handshakeTimeout(),
              limits.drainTimeout()));
    }

    /** How long a client may negotiate; 10 s by default. */
    public Builder handshakeTimeout(Duration timeout) {
      return limits(
          new Limits(
              limits.maxConnections(),
              limits.maxRequests(),
              limits.maxBytes(),
              timeout,
              limits.drainTimeout()));
    }

    /** How long closing waits for requests in work; 30 s by default. */
    public Builder drainTimeout(Duration timeout) {
      return limits(
          new Limits(
              limits.maxConnections(),
              limits.maxRequests(),
              limits.maxBytes(),
              limits.handshakeTimeout(),
              timeout));
    }

    Builder limits(Limits these) {
      limits = these;
      return this;
    }

    Builder transport(Transport which) {
      transport = which;
      return this;
    }

    Builder allocator(ByteBufAllocator which) {
      allocator = which;
      return this;
    }

    /**
     * Binds the socket; once this returns, clients can connect.
     *
     * @throws IOException if the address is taken or cannot be had
     */
    public NbdServer start() throws IOException, InterruptedException {
      if (tcp == null && unix == null) {
        throw new IllegalStateException("neither unix() nor tcp() was called");
      }
      EventLoops loops = EventLoops.acquire(transport);
      boolean started = false;
      try {
        var server = new NbdServer(this, loops);
        started = true;
        return server;
      } finally {
        if (!started) {
          loops.release();
        }
      }
    }
  }
}
