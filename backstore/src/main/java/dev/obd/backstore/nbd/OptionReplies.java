package dev.obd.backstore.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;

/** Writes replies to handshake options; the caller flushes. */
@SuppressWarnings("FutureReturnValueIgnored") // failed writes and closes end in exceptionCaught
final class OptionReplies {
  private static final int HEADER_BYTES = 20;

  private OptionReplies() {}

  static void greeting(ChannelHandlerContext ctx) {
    ByteBuf out = ctx.alloc().buffer(18);
    out.writeLong(Protocol.NBD_MAGIC);
    out.writeLong(Protocol.OPTION_MAGIC);
    out.writeShort(Protocol.FIXED_NEWSTYLE | Protocol.NO_ZEROES);
    ctx.write(out, ctx.voidPromise());
  }

  static void ack(ChannelHandlerContext ctx, int option) {
    ctx.write(header(ctx, option, Protocol.REP_ACK, 0), ctx.voidPromise());
  }

  static void error(ChannelHandlerContext ctx, int option, int type, String reason) {
    byte[] text = reason.getBytes(UTF_8);
    ctx.write(header(ctx, option, type, text.length).writeBytes(text), ctx.voidPromise());
  }

  static void server(ChannelHandlerContext ctx, NbdExport export) {
    byte[] name = export.name().getBytes(UTF_8);
    ByteBuf out = header(ctx, Protocol.OPT_LIST, Protocol.REP_SERVER, 4 + name.length);
    ctx.write(out.writeInt(name.length).writeBytes(name), ctx.voidPromise());
  }

  static void infoExport(
      ChannelHandlerContext ctx, int option, NbdExport export, boolean structured) {
    ByteBuf out = header(ctx, option, Protocol.REP_INFO, 12);
    out.writeShort(Protocol.INFO_EXPORT);
    out.writeLong(export.device().size());
    out.writeShort(export.flags(structured));
    ctx.write(out, ctx.voidPromise());
  }

  static void infoName(ChannelHandlerContext ctx, int option, NbdExport export) {
    byte[] name = export.name().getBytes(UTF_8);
    ByteBuf out = header(ctx, option, Protocol.REP_INFO, 2 + name.length);
    ctx.write(out.writeShort(Protocol.INFO_NAME).writeBytes(name), ctx.voidPromise());
  }

  static void infoBlockSize(ChannelHandlerContext ctx, int option, NbdExport export) {
    ByteBuf out = header(ctx, option, Protocol.REP_INFO, 14);
    out.writeShort(Protocol.INFO_BLOCK_SIZE);
    out.writeInt(export.minimumBlock());
    out.writeInt(Protocol.PREFERRED_BLOCK);
    out.writeInt(Protocol.MAX_PAYLOAD);
    ctx.write(out, ctx.voidPromise());
  }

  static void baseAllocation(ChannelHandlerContext ctx, int option) {
    byte[] name = Protocol.BASE_ALLOCATION.getBytes(UTF_8);
    ByteBuf out = header(ctx, option, Protocol.REP_META_CONTEXT, 4 + name.length);
    ctx.write(out.writeInt(Protocol.BASE_ALLOCATION_ID).writeBytes(name), ctx.voidPromise());
  }

  /** The answer to EXPORT_NAME, the one option that has no reply header. */
  static void exportName(
      ChannelHandlerContext ctx, NbdExport export, boolean structured, boolean zeroes) {
    ByteBuf out = ctx.alloc().buffer(134);
    out.writeLong(export.device().size());
    out.writeShort(export.flags(structured));
    ctx.write(zeroes ? out.writeZero(124) : out, ctx.voidPromise());
  }

  private static ByteBuf header(ChannelHandlerContext ctx, int option, int type, int length) {
    ByteBuf out = ctx.alloc().buffer(HEADER_BYTES + length);
    out.writeLong(Protocol.OPTION_REPLY_MAGIC);
    out.writeInt(option);
    out.writeInt(type);
    return out.writeInt(length);
  }
}
