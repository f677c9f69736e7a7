package dev.obd.backstore.admin;

import dev.obd.io.FailureText;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One connection: a request at a time, answered in order. Everything but {@link #answer} runs on
 * the event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // nobody waits for a connection to close
final class Conversation extends SimpleChannelInboundHandler<FullHttpRequest> {
  private static final Logger log = LogManager.getLogger(AdminServer.class);

  /** Requests that a client may send ahead. */
  private static final int MAX_AHEAD = 4;

  private record Waiting(String method, String target, String body, boolean keepAlive) {}

  private final List<Route> routes;
  private final Executor threads;
  private final AdminLimits limits;
  private final Deque<Waiting> ahead = new ArrayDeque<>();
  private boolean busy;
  private @Nullable Future<?> timeout;
  private final Client client = new Client();

  Conversation(List<Route> routes, Executor threads, AdminLimits limits) {
    this.routes = routes;
    this.threads = threads;
    this.limits = limits;
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    expectRequest(ctx);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    client.hungUp();
    forgetTimeout();
  }

  private void expectRequest(ChannelHandlerContext ctx) {
    forgetTimeout();
    timeout =
        ctx.executor()
            .schedule(
                () -> {
                  ctx.close();
                },
                limits.requestTime().toMillis(),
                TimeUnit.MILLISECONDS);
  }

  private void forgetTimeout() {
    if (timeout != null) {
      timeout.cancel(false);
      timeout = null;
    }
  }

  @Override
  protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
    if (request.decoderResult().isFailure()) {
      refuse(
          ctx,
          Answer.failure(
              400, "bad-request", "this is not a request of HTTP/1.1 that is taken here", ""));
      return;
    }
    var waiting =
        new Waiting(
            request.method().name(),
            request.uri(),
            request.content().toString(StandardCharsets.UTF_8),
            HttpUtil.isKeepAlive(request));
    if (busy) {
      if (ahead.size() >= MAX_AHEAD) {
        ctx.close();
        return;
      }
      ahead.add(waiting);
    } else {
      work(ctx, waiting);
    }
  }

  private void work(ChannelHandlerContext ctx, Waiting request) {
    busy = true;
    forgetTimeout();
    try {
      threads.execute(() -> {
        Answer answer = answer(request);
        ctx.executor().execute(() -> write(ctx, request, answer));
      });
    } catch (RejectedExecutionException _) {
      refuse(ctx, Answer.failure(503, "shutting-down", "the daemon is shutting down", ""));
    }
  }

  private Answer answer(Waiting request) {
    int mark = request.target().indexOf('?');
    String path = mark < 0 ? request.target() : request.target().substring(0, mark);
    try {
      var allowed = new TreeSet<String>();
      for (Route route : routes) {
        Optional<Map<String, String>> variables = route.match(path);
        if (variables.isPresent() && route.takes(request.method())) {
          return route
              .handler()
              .answer(
                  new Asked(
                      request.method(),
                      path,
                      variables.get(),
                      Query.of(request.target()),
                      request.body(),
                      client));
        }
        variables.ifPresent(_ -> allowed.add(route.method()));
      }
      return allowed.isEmpty()
          ? Answer.failure(404, "no-such-path", path + ": nothing is there", "see GET /v1")
          : Answer.failure(
              405, "bad-method", path + ": takes " + allowed + ", not " + request.method(), "");
    } catch (AdminException e) {
      return e.answer();
    } catch (IOException e) {
      log.warn("admin.failed method={} path={}", request.method(), path, e);
      return Answer.failure(500, "failed", FailureText.of(e), "");
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return Answer.failure(503, "interrupted", "the daemon is shutting down", "");
    } catch (IllegalArgumentException e) { // names and numbers are read where they are used
      return Answer.failure(400, "bad-request", String.valueOf(e.getMessage()), "");
    } catch (RuntimeException | Error e) {
      log.error("admin.internal method={} path={}", request.method(), path, e);
      return Answer.failure(
          500, "internal", "internal error: " + e, "please report it, with the daemon's log");
    }
  }

  private void write(ChannelHandlerContext ctx, Waiting request, Answer answer) {
    var future = ctx.writeAndFlush(response(answer, request.keepAlive()));
    busy = false;
    client.answered();
    if (!request.keepAlive()) {
      future.addListener(ChannelFutureListener.CLOSE);
      return;
    }
    Waiting next = ahead.poll();
    if (next != null) {
      work(ctx, next);
    } else {
      expectRequest(ctx);
    }
  }

  /** Answers and closes. */
  static void refuse(ChannelHandlerContext ctx, Answer answer) {
    ctx.writeAndFlush(response(answer, false)).addListener(ChannelFutureListener.CLOSE);
  }

  private static DefaultFullHttpResponse response(Answer answer, boolean keepAlive) {
    var response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(answer.status()),
            Unpooled.wrappedBuffer(answer.body().duplicate()));
    response.headers().set(HttpHeaderNames.CONTENT_TYPE, answer.contentType());
    response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, answer.body().remaining());
    if (!keepAlive) {
      response.headers().set(HttpHeaderNames.CONNECTION, "close");
    }
    return response;
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    log.debug("admin.connection.failed", cause);
    ctx.close();
  }
}
