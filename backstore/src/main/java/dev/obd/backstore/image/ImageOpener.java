package dev.obd.backstore.image;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.prefetch.ReplayOptions;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.backstore.source.ReadRecorders;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.format.lsmt.WritableStack;
import dev.obd.io.BlockSource;
import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import dev.obd.trace.AccessSink;
import dev.obd.trace.FileList;
import dev.obd.trace.Recording;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceRecorder;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Opens images. The layers are opened at the same time, so that an image costs the round trips of
 * its slowest layer and not the sum; the trace is fetched beside them and replayed once they are
 * open.
 */
public final class ImageOpener {
  private static final Logger log = LogManager.getLogger(ImageOpener.class);

  private final LayerOpener layers;
  private final ExecutorService executor;
  private final ScheduledExecutorService scheduler;
  private final Ticker ticker;

  /**
   * @param executor runs the opening of layers and the replay: a thread per task, as many as there
   *     are
   * @param scheduler looks once a second whether a recording is to end
   */
  public ImageOpener(
      BlobCache cache,
      Links links,
      ExecutorService executor,
      ScheduledExecutorService scheduler,
      Ticker ticker) {
    this(cache, links, ReadRecorders.NONE, executor, scheduler, ticker);
  }

  /**
   * As above.
   *
   * @param recorders are told of every read of a layer
   */
  public ImageOpener(
      BlobCache cache,
      Links links,
      ReadRecorders recorders,
      ExecutorService executor,
      ScheduledExecutorService scheduler,
      Ticker ticker) {
    this.layers = new LayerOpener(cache, links, recorders, ticker);
    this.executor = executor;
    this.scheduler = scheduler;
    this.ticker = ticker;
  }

  /**
   * Opens an image.
   *
   * @throws IOException if a layer cannot be opened: says which one and why; nothing stays open
   *     then
   */
  public Image open(ImagePlan plan, OpenOptions options) throws IOException {
    if (plan.lowers().isEmpty() && plan.upper().isEmpty()) {
      throw new IOException(plan.name() + ": the image has no layers");
    }
    ReadContext context =
        new ReadContext(ReadContext.Purpose.DEMAND, Deadline.after(ticker, options.patience()));
    // What a failing step finds open it closes again, newest first.
    Deque<Closeable> open = new ArrayDeque<>();
    try {
      Optional<AccessSink> sink = options.recorder();
      if (sink.isEmpty() && plan.trace() instanceof TraceUse.RecordInto(Path file)) {
        TraceRecorder recorder = new TraceRecorder();
        open.push(Recording.start(file, recorder, scheduler));
        sink = Optional.of(recorder);
      }
      List<SealedLayer> opened = openLayers(plan, context, sink, options.fillCache());
      opened.forEach(open::push);
      Optional<LayerStack> stack =
          opened.isEmpty() ? Optional.empty() : Optional.of(LayerStack.open(opened));
      Optional<WritableStack> writable = Optional.empty();
      if (plan.upper().isPresent()) {
        WritableLayer upper = openUpper(plan.upper().get());
        open.push(upper);
        writable = Optional.of(WritableStack.open(upper, stack));
      }
      List<BlockSource> plain = opened.stream().map(SealedLayer::source).toList();
      Optional<Replayer> replayer =
          options.replay() ? replayer(plan, options, plain, stack) : Optional.empty();
      replayer.ifPresent(open::push);
      return new Image(plan.name(), stack, writable, plain, replayer, executor, open);
    } catch (IOException | RuntimeException e) {
      open.forEach(resource -> closeQuietly(resource, e));
      throw e;
    }
  }

  /**
   * A list of files is replayed like a trace: it only has to be looked up in the image's file
   * system first.
   */
  private Optional<Replayer> replayer(
      ImagePlan plan, OpenOptions options, List<BlockSource> plain, Optional<LayerStack> stack) {
    if (stack.isEmpty()) {
      return Optional.empty();
    }
    Replayer.TraceLoader loader =
        switch (plan.trace()) {
          case TraceUse.Replay(ImagePlan.Loader<Trace> trace) -> trace::load;
          case TraceUse.Files(ImagePlan.Loader<FileList> list) ->
              () -> FileListTrace.of(stack.get(), list.load());
          case TraceUse.None _, TraceUse.RecordInto _ -> null;
        };
    if (loader == null) {
      return Optional.empty();
    }
    ReplayOptions replay =
        ReplayOptions.DEFAULT.withConcurrency(options.replayConcurrency()).withTicker(ticker);
    return Optional.of(Replayer.start(plan.name(), plain, loader, replay, executor));
  }

  private List<SealedLayer> openLayers(
      ImagePlan plan, ReadContext context, Optional<AccessSink> sink, boolean fillCache)
      throws IOException {
    List<CompletableFuture<SealedLayer>> opening = new ArrayList<>();
    try {
      for (int i = 0; i < plan.lowers().size(); i++) {
        int number = i;
        LayerOrigin origin = plan.lowers().get(i);
        var layer = new CompletableFuture<SealedLayer>();
        opening.add(layer);
        executor.execute(() ->
            complete(layer, () -> context.run(() -> layers.open(number, origin, sink, fillCache))));
      }
    } catch (RejectedExecutionException e) {
      opening.forEach(layer -> abandon(layer, e));
      throw e;
    }
    return join(plan, opening);
  }

  /** A layer that comes when nobody waits for it any more is closed. */
  private static void complete(
      CompletableFuture<SealedLayer> layer, ReadContext.Operation<SealedLayer> open) {
    try {
      SealedLayer opened = open.run();
      if (!layer.complete(opened)) {
        opened.close();
      }
    } catch (Throwable e) { // whatever it is, whoever waits must hear of it
      layer.completeExceptionally(e);
    }
  }

  private static void abandon(CompletableFuture<SealedLayer> layer, Exception cause) {
    if (!layer.cancel(false) && !layer.isCompletedExceptionally()) {
      closeQuietly(layer.join(), cause);
    }
  }

  private static WritableLayer openUpper(ImagePlan.UpperFiles files) throws IOException {
    if (!Files.exists(files.data())) {
      throw new IOException(files.data() + ": the writable layer's data file does not exist");
    }
    WritableLayer layer = WritableLayer.open(files.data(), files.index());
    layer.warnings().forEach(w -> log.warn("upper.recovered data={} {}", files.data(), w));
    return layer;
  }

  /** Waits for all of them; on the first failure closes what was opened. */
  private static List<SealedLayer> join(
      ImagePlan plan, List<CompletableFuture<SealedLayer>> opening) throws IOException {
    List<SealedLayer> opened = new ArrayList<>();
    IOException failure = null;
    for (int i = 0; i < opening.size(); i++) {
      try {
        opened.add(opening.get(i).get());
      } catch (ExecutionException e) {
        IOException reason =
            new IOException(
                plan.name()
                    + ": layer "
                    + i
                    + " of "
                    + opening.size()
                    + " ("
                    + plan.lowers().get(i).name()
                    + "): "
                    + message(e.getCause()),
                e.getCause());
        if (failure == null) {
          failure = reason;
        } else {
          failure.addSuppressed(reason);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        IOException reason =
            new InterruptedIOException(plan.name() + ": interrupted while opening");
        if (failure != null) {
          reason.addSuppressed(failure);
        }
        failure = reason;
        opening.subList(i, opening.size()).forEach(layer -> abandon(layer, reason));
        break;
      }
    }
    if (failure != null) {
      for (SealedLayer layer : opened) {
        closeQuietly(layer, failure);
      }
      throw failure;
    }
    return opened;
  }

  private static String message(@Nullable Throwable e) {
    return e instanceof IOException && e.getMessage() != null ? e.getMessage() : String.valueOf(e);
  }

  private static void closeQuietly(Closeable resource, Exception cause) {
    try {
      resource.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }
}
