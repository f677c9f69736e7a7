package dev.obd.backstore.admin;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObjectAggregator;

/** Puts a request together, and says in our own words if it is too long. */
final class BoundedAggregator extends HttpObjectAggregator {
  private final int most;

  BoundedAggregator(int most) {
    super(most, true);
    this.most = most;
  }

  @Override
  protected void handleOversizedMessage(ChannelHandlerContext ctx, HttpMessage oversized) {
    Conversation.refuse(
        ctx,
        Answer.failure(
            413, "too-large", "the body is longer than " + most + " bytes", "send less"));
  }
}
