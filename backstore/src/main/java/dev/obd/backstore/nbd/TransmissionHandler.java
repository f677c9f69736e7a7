package dev.obd.backstore.nbd;

import dev.obd.backstore.device.Request;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The transmission phase of one connection: cuts requests from the stream, starts an {@link
 * Operation} for each and writes replies as they come. Reads no further while the connection has
 * too much in work or does not take its replies. Lives on its event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // failed writes and closes end in exceptionCaught
final class TransmissionHandler extends ChannelInboundHandlerAdapter {
  private enum Phase {
    HEADER,
    PAYLOAD,
    UNWANTED_PAYLOAD
  }

  private final Session session;
  private final Limits limits;
  private final ClientLog log;
  private final Intake intake = new Intake();
  private final ByteBuf headerPiece =
      Unpooled.buffer(Protocol.REQUEST_BYTES, Protocol.REQUEST_BYTES);
  private final ArrayDeque<ByteBuf> held = new ArrayDeque<>();
  private @Nullable ChannelHandlerContext context;
  private Phase phase = Phase.HEADER;
  private @Nullable RequestHeader header; // of the payload under way
  private @Nullable ByteBuf payload;
  private NbdError refusal = NbdError.NONE; // of the unwanted payload under way
  private int inFlight;
  private long bytesInFlight;
  private boolean consuming;
  private boolean flushScheduled;
  private boolean ending;

  TransmissionHandler(Session session, Limits limits, ClientLog log) {
    this.session = session;
    this.limits = limits;
    this.log = log;
    intake.collect(headerPiece);
  }

  // ---- life of the connection

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
    if (!session.export().join(this)) {
      ctx.close(); // removed during the handshake
    }
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    ending = true;
    session.export().leave(this);
    held.forEach(ByteBuf::release);
    held.clear();
    if (payload != null) { // a write that came half is never begun
      payload.release();
      payload = null;
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    log.lost(ctx, cause);
    ctx.close();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    resume();
  }

  /** Takes no more requests, and closes once those in work are answered. From any thread. */
  void retire() {
    onLoop(this::end, () -> {});
  }

  Channel channel() {
    return ctx().channel();
  }

  private void end() {
    ending = true;
    channel().config().setAutoRead(false);
    if (inFlight == 0) {
      ctx().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }
  }

  // ---- requests in

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    ByteBuf in = (ByteBuf) message;
    if (held.isEmpty() && !consuming) {
      consume(in);
    } else {
      held.add(in);
    }
  }

  /** Takes what the limits allow and holds on to the rest. */
  private void consume(ByteBuf in) {
    consuming = true;
    try {
      while (in.isReadable() && !ending) {
        if (phase == Phase.HEADER && !mayTake()) {
          held.addFirst(in.retain());
          channel().config().setAutoRead(false);
          break;
        }
        if (intake.feed(in)) {
          pieceComplete();
        }
      }
    } finally {
      consuming = false;
      in.release();
    }
  }

  private boolean mayTake() {
    return inFlight < limits.maxRequests()
        && bytesInFlight < limits.maxBytes()
        && channel().isWritable();
  }

  private void resume() {
    while (!consuming && !ending && mayTake()) {
      ByteBuf next = held.poll();
      if (next == null) {
        channel().config().setAutoRead(true);
        return;
      }
      consume(next);
    }
  }

  private void pieceComplete() {
    switch (phase) {
      case HEADER -> {
        int magic = headerPiece.readInt();
        if (magic != Protocol.REQUEST_MAGIC) {
          ending = true;
          log.reject(ctx(), "request magic: 0x" + Integer.toHexString(magic));
          return;
        }
        RequestHeader next = RequestHeader.decode(headerPiece);
        expectHeader();
        request(next);
      }
      case PAYLOAD -> {
        RequestHeader write = Objects.requireNonNull(header);
        ByteBuf from = Objects.requireNonNull(payload);
        payload = null;
        expectHeader();
        start(
            new PlainOperation(
                this,
                write,
                new Request.Write(
                    write.offset(), from.nioBuffer(), write.has(Protocol.CMD_FLAG_FUA)),
                from));
      }
      case UNWANTED_PAYLOAD -> {
        RequestHeader write = Objects.requireNonNull(header);
        expectHeader();
        refuse(write, refusal, "write refused");
      }
    }
  }

  private void expectHeader() {
    phase = Phase.HEADER;
    headerPiece.clear();
    intake.collect(headerPiece);
  }

  private void request(RequestHeader next) {
    boolean knownFlags = next.flagsAreKnown(session.structured());
    if (next.type() == Protocol.CMD_WRITE) {
      write(next, knownFlags);
      return;
    }
    if (!knownFlags) {
      refuse(next, NbdError.EINVAL, "unknown flags");
      return;
    }
    boolean fua = next.has(Protocol.CMD_FLAG_FUA);
    switch (next.type()) {
      case Protocol.CMD_READ -> read(next);
      case Protocol.CMD_DISC -> end();
      case Protocol.CMD_FLUSH -> plain(next, new Request.Flush());
      case Protocol.CMD_TRIM -> plain(next, new Request.Discard(next.offset(), next.length(), fua));
      case Protocol.CMD_CACHE -> plain(next, new Request.Cache(next.offset(), next.length()));
      case Protocol.CMD_WRITE_ZEROES -> writeZeroes(next, fua);
      case Protocol.CMD_BLOCK_STATUS -> blockStatus(next);
      default -> refuse(next, NbdError.EINVAL, "unknown command");
    }
  }

  private void write(RequestHeader next, boolean knownFlags) {
    header = next;
    NbdError problem = NbdError.NONE;
    if (!knownFlags || next.length() > Protocol.MAX_PAYLOAD) {
      problem = NbdError.EINVAL;
    } else if (!session.export().device().writable()) {
      problem = NbdError.EPERM;
    } else {
      try {
        payload = alloc().directBuffer((int) next.length(), (int) next.length());
      } catch (OutOfMemoryError _) {
        problem = NbdError.ENOMEM;
      }
    }
    if (payload != null) {
      phase = Phase.PAYLOAD;
      intake.collect(payload);
    } else {
      phase = Phase.UNWANTED_PAYLOAD;
      refusal = problem;
      intake.drop(next.length());
    }
    if (next.length() == 0) {
      pieceComplete();
    }
  }

  private void read(RequestHeader next) {
    if (next.length() == 0 || next.length() > Protocol.MAX_PAYLOAD) {
      refuse(next, NbdError.EINVAL, "read of 0 or more than 32 MiB");
    } else if (!session.export().device().holds(next.offset(), next.length())) {
      // Before memory is taken for it.
      refuse(next, NbdError.EINVAL, "read beyond the end");
    } else {
      start(new ReadOperation(this, next, session.structured()));
    }
  }

  private void writeZeroes(RequestHeader next, boolean fua) {
    boolean mayPunch = !next.has(Protocol.CMD_FLAG_NO_HOLE);
    if (!mayPunch && next.has(Protocol.CMD_FLAG_FAST_ZERO)) {
      refuse(next, NbdError.ENOTSUP, "stored zeros are as slow as a write");
    } else {
      plain(next, new Request.WriteZeroes(next.offset(), next.length(), mayPunch, fua));
    }
  }

  private void blockStatus(RequestHeader next) {
    if (!session.baseAllocation() || next.length() == 0) {
      refuse(next, NbdError.EINVAL, "no context negotiated, or nothing asked");
    } else {
      start(new BlockStatusOperation(this, next));
    }
  }

  private void plain(RequestHeader next, Request request) {
    start(new PlainOperation(this, next, request, null));
  }

  private void start(Operation operation) {
    inFlight++;
    bytesInFlight += payloadBytes(operation.header);
    operation.start(session.export());
  }

  private static long payloadBytes(RequestHeader request) {
    return switch (request.type()) {
      case Protocol.CMD_READ, Protocol.CMD_WRITE -> request.length();
      default -> 0;
    };
  }

  // ---- replies out

  /** Sends an operation's one reply and takes it off the books; owns {@code reply}. */
  void answered(Operation operation, ByteBuf reply) {
    inFlight--;
    bytesInFlight -= payloadBytes(operation.header);
    send(reply);
    if (ending) {
      if (inFlight == 0) {
        end();
      }
    } else {
      resume();
    }
  }

  private void refuse(RequestHeader request, NbdError error, String reason) {
    send(failure(request, error, reason));
  }

  ByteBuf failure(RequestHeader request, NbdError error, String reason) {
    boolean needsChunk =
        session.structured()
            && (request.type() == Protocol.CMD_READ || request.type() == Protocol.CMD_BLOCK_STATUS);
    return needsChunk
        ? Replies.error(alloc(), request.cookie(), error, reason)
        : Replies.simple(alloc(), request.cookie(), error);
  }

  private void send(ByteBuf reply) {
    if (!channel().isActive()) {
      reply.release();
      return;
    }
    ctx().write(reply, ctx().voidPromise());
    if (!flushScheduled) {
      flushScheduled = true;
      // Behind the completions that are queued already: one system call for all of them.
      ctx().executor().execute(this::flush);
    }
  }

  private void flush() {
    flushScheduled = false;
    ctx().flush();
  }

  ByteBufAllocator alloc() {
    return ctx().alloc();
  }

  /** Runs {@code task} on the event loop, or {@code otherwise} here if the loop is gone. */
  void onLoop(Runnable task, Runnable otherwise) {
    if (ctx().executor().inEventLoop()) {
      task.run();
      return;
    }
    try {
      ctx().executor().execute(task);
    } catch (RejectedExecutionException _) {
      otherwise.run();
    }
  }

  private ChannelHandlerContext ctx() {
    return Objects.requireNonNull(context);
  }
}
