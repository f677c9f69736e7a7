package dev.obd.backstore.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Future;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Fixed newstyle negotiation; gives way to a {@link TransmissionHandler} once agreed. */
@SuppressWarnings("FutureReturnValueIgnored") // failed writes and closes end in exceptionCaught
final class HandshakeHandler extends ChannelInboundHandlerAdapter {
  /** Holds any option we know: a name and a few queries of 4096 bytes. */
  private static final int MAX_OPTION = 64 << 10;

  /** A client needs less than ten. */
  private static final int MAX_OPTIONS = 1000;

  private static final int OPTION_HEADER_BYTES = 16;

  private enum Phase {
    CLIENT_FLAGS,
    OPTION_HEADER,
    OPTION_DATA,
    OVERSIZED_DATA,
    OVER
  }

  private final Exports exports;
  private final Limits limits;
  private final ClientLog log;
  private final Function<Session, TransmissionHandler> transmission;
  private final Intake intake = new Intake();
  private Phase phase = Phase.CLIENT_FLAGS;
  private ByteBuf piece = Unpooled.buffer(4, 4);
  private @Nullable Future<?> timeout;
  private int options;
  private int option;
  private boolean fixedNewstyle;
  private boolean zeroes;
  private boolean structured;
  private @Nullable String allocationOf; // the export base:allocation was agreed on for

  HandshakeHandler(
      Exports exports,
      Limits limits,
      ClientLog log,
      Function<Session, TransmissionHandler> transmission) {
    this.exports = exports;
    this.limits = limits;
    this.log = log;
    this.transmission = transmission;
    intake.collect(piece);
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    timeout =
        ctx.executor()
            .schedule(
                () -> reject(ctx, "no handshake within " + limits.handshakeTimeout()),
                limits.handshakeTimeout().toNanos(),
                TimeUnit.NANOSECONDS);
    OptionReplies.greeting(ctx);
    ctx.flush();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    if (timeout != null) {
      timeout.cancel(false);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    log.lost(ctx, cause);
    ctx.close();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    ByteBuf in = (ByteBuf) message;
    try {
      while (in.isReadable() && phase != Phase.OVER) {
        if (intake.feed(in)) {
          step(ctx);
        }
      }
      // A client may send its first requests right behind GO; they go to the next handler, and
      // nowhere if there is none.
      if (in.isReadable() && ctx.isRemoved()) {
        ctx.fireChannelRead(in.retain());
      }
    } finally {
      in.release();
    }
  }

  private void step(ChannelHandlerContext ctx) {
    switch (phase) {
      case CLIENT_FLAGS -> clientFlags(ctx, piece.readInt());
      case OPTION_HEADER -> optionHeader(ctx);
      case OPTION_DATA -> {
        option(ctx, piece);
        optionEnded(ctx);
      }
      case OVERSIZED_DATA -> {
        if (option == Protocol.OPT_EXPORT_NAME) { // which has no way to say no
          reject(ctx, "export name: too long");
        } else {
          error(ctx, Protocol.REP_ERR_TOO_BIG, "option data: more than " + MAX_OPTION + " bytes");
          optionEnded(ctx);
        }
      }
      case OVER -> {}
    }
  }

  private void clientFlags(ChannelHandlerContext ctx, int flags) {
    if ((flags & ~(Protocol.FIXED_NEWSTYLE | Protocol.NO_ZEROES)) != 0) {
      reject(ctx, "client flags: unknown, 0x" + Integer.toHexString(flags));
      return;
    }
    fixedNewstyle = (flags & Protocol.FIXED_NEWSTYLE) != 0;
    zeroes = (flags & Protocol.NO_ZEROES) == 0;
    expect(Phase.OPTION_HEADER, OPTION_HEADER_BYTES);
  }

  private void optionHeader(ChannelHandlerContext ctx) {
    long magic = piece.readLong();
    option = piece.readInt();
    long length = piece.readUnsignedInt();
    if (magic != Protocol.OPTION_MAGIC) {
      reject(ctx, "option magic: 0x" + Long.toHexString(magic));
    } else if (++options > MAX_OPTIONS) {
      reject(ctx, "more than " + MAX_OPTIONS + " options");
    } else if (!fixedNewstyle && option != Protocol.OPT_EXPORT_NAME) {
      reject(ctx, "option " + option + " without fixed newstyle");
    } else if (length > MAX_OPTION) {
      phase = Phase.OVERSIZED_DATA;
      intake.drop(length);
    } else {
      expect(Phase.OPTION_DATA, (int) length);
      if (length == 0) {
        step(ctx);
      }
    }
  }

  private void expect(Phase next, int length) {
    phase = next;
    piece = Unpooled.buffer(length, length);
    intake.collect(piece);
  }

  private void optionEnded(ChannelHandlerContext ctx) {
    ctx.flush();
    if (phase == Phase.OVER) {
      return;
    }
    if (!ctx.channel().isWritable()) {
      reject(ctx, "asks on without reading its replies");
      return;
    }
    expect(Phase.OPTION_HEADER, OPTION_HEADER_BYTES);
  }

  private void option(ChannelHandlerContext ctx, ByteBuf data) {
    try {
      switch (option) {
        case Protocol.OPT_EXPORT_NAME -> exportName(ctx, data.toString(UTF_8));
        case Protocol.OPT_ABORT -> abort(ctx);
        case Protocol.OPT_LIST -> list(ctx, data);
        case Protocol.OPT_INFO, Protocol.OPT_GO -> info(ctx, OptionData.info(data));
        case Protocol.OPT_STRUCTURED_REPLY -> {
          noData(data);
          structured = true;
          OptionReplies.ack(ctx, option);
        }
        case Protocol.OPT_LIST_META_CONTEXT, Protocol.OPT_SET_META_CONTEXT ->
            metaContext(ctx, OptionData.meta(data));
        case Protocol.OPT_STARTTLS ->
            error(ctx, Protocol.REP_ERR_UNSUP, "this server speaks no TLS");
        default -> error(ctx, Protocol.REP_ERR_UNSUP, "unknown option");
      }
    } catch (OptionData.Malformed e) {
      error(ctx, Protocol.REP_ERR_INVALID, Objects.requireNonNull(e.getMessage()));
    }
  }

  private static void noData(ByteBuf data) throws OptionData.Malformed {
    if (data.isReadable()) {
      throw new OptionData.Malformed("this option takes no data");
    }
  }

  private void abort(ChannelHandlerContext ctx) {
    phase = Phase.OVER;
    OptionReplies.ack(ctx, option);
    ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
  }

  private void list(ChannelHandlerContext ctx, ByteBuf data) throws OptionData.Malformed {
    noData(data);
    for (NbdExport export : exports.all()) {
      OptionReplies.server(ctx, export);
    }
    OptionReplies.ack(ctx, option);
  }

  private void info(ChannelHandlerContext ctx, OptionData.InfoQuery query) {
    NbdExport export = exports.find(query.exportName());
    if (export == null) {
      error(ctx, Protocol.REP_ERR_UNKNOWN, "no such export");
      return;
    }
    OptionReplies.infoExport(ctx, option, export, structured);
    OptionReplies.infoBlockSize(ctx, option, export);
    if (query.wantsName()) {
      OptionReplies.infoName(ctx, option, export);
    }
    OptionReplies.ack(ctx, option);
    if (option == Protocol.OPT_GO) {
      transmit(ctx, export, query.exportName());
    }
  }

  private void exportName(ChannelHandlerContext ctx, String name) {
    NbdExport export = exports.find(name);
    if (export == null) {
      reject(ctx, "export name: unknown");
      return;
    }
    OptionReplies.exportName(ctx, export, structured, zeroes);
    transmit(ctx, export, name);
  }

  private void metaContext(ChannelHandlerContext ctx, OptionData.MetaQuery query) {
    boolean set = option == Protocol.OPT_SET_META_CONTEXT;
    if (set) {
      allocationOf = null; // also if this one fails
    }
    if (!structured) {
      error(ctx, Protocol.REP_ERR_INVALID, "structured replies come first");
      return;
    }
    if (exports.find(query.exportName()) == null) {
      error(ctx, Protocol.REP_ERR_UNKNOWN, "no such export");
      return;
    }
    boolean wanted =
        query.contexts().contains(Protocol.BASE_ALLOCATION)
            || (!set && (query.contexts().isEmpty() || query.contexts().contains("base:")));
    if (wanted) {
      OptionReplies.baseAllocation(ctx, option);
      if (set) {
        allocationOf = query.exportName();
      }
    }
    OptionReplies.ack(ctx, option);
  }

  private void transmit(ChannelHandlerContext ctx, NbdExport export, String name) {
    phase = Phase.OVER;
    ctx.flush();
    var session = new Session(export, structured, name.equals(allocationOf));
    ctx.pipeline().replace(this, "transmission", transmission.apply(session));
  }

  private void error(ChannelHandlerContext ctx, int type, String reason) {
    OptionReplies.error(ctx, option, type, reason);
  }

  private void reject(ChannelHandlerContext ctx, String problem) {
    phase = Phase.OVER;
    log.reject(ctx, problem);
  }
}
