package dev.obd.backstore.image;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CachedSource;
import dev.obd.backstore.download.DownloadContext;
import dev.obd.backstore.download.DownloadTask;
import dev.obd.backstore.download.Downloads;
import dev.obd.backstore.image.ImageOpenException.Part;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.PrefetchHints;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.prefetch.ReplayOptions;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.backstore.prefetch.Replayer.Recorded;
import dev.obd.backstore.prefetch.TraceChoice;
import dev.obd.backstore.source.MeteredSource;
import dev.obd.backstore.source.ReadRecorders;
import dev.obd.backstore.source.ReadStats;
import dev.obd.backstore.startlog.StartLogging;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.format.lsmt.WritableStack;
import dev.obd.io.BlockSource;
import dev.obd.io.Deadline;
import dev.obd.io.FailureText;
import dev.obd.io.Printable;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import dev.obd.trace.AccessTap;
import dev.obd.trace.FileList;
import dev.obd.trace.Recording;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceRecorder;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Opens images. The layers are opened at the same time, so that an image costs the round trips of
 * its slowest layer and not the sum; the trace is fetched beside them and replayed once they are
 * open.
 */
public final class ImageOpener {
  private static final Logger log = LogManager.getLogger(ImageOpener.class);

  /** For looking listed files up: many small reads, one after the other. */
  private static final Duration LOOK_UP = Duration.ofMinutes(5);

  private final LayerOpener layers;
  private final Optional<DownloadContext> downloads;
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
    this(
        new LayerOpener(cache, links, recorders, ticker),
        Optional.empty(),
        executor,
        scheduler,
        ticker);
  }

  private ImageOpener(
      LayerOpener layers,
      Optional<DownloadContext> downloads,
      ExecutorService executor,
      ScheduledExecutorService scheduler,
      Ticker ticker) {
    this.layers = layers;
    this.downloads = downloads;
    this.executor = executor;
    this.scheduler = scheduler;
    this.ticker = ticker;
  }

  /** An opener like this one that downloads layers where {@link OpenOptions#download} says so. */
  public ImageOpener withDownloads(DownloadContext context) {
    return new ImageOpener(layers, Optional.of(context), executor, scheduler, ticker);
  }

  /** A layer's blob for reading it whole, once: what the cache has is used, nothing is added. */
  BlockSource background(LayerOrigin origin) throws IOException {
    return layers.background(origin);
  }

  /** A remote layer's blob for bringing all of it into the cache. */
  CachedSource filling(LayerOrigin origin) throws IOException {
    return layers.filling(origin);
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
      AccessTap accesses = new AccessTap();
      boolean recording = record(plan, options, accesses, open);
      Optional<StartLogging> logging = startLog(plan, options);
      logging.ifPresent(open::push);
      ReadStats remote = new ReadStats();
      var use =
          new LayerOpener.Use(
              accesses,
              remote,
              options.fillCache(),
              logging.map(StartLogging::recorder),
              options.ahead().readahead() ? Optional.of(executor) : Optional.empty());
      List<OpenedLayer> opened = openLayers(plan, context, use);
      List<SealedLayer> sealed = opened.stream().map(OpenedLayer::sealed).toList();
      sealed.forEach(open::push);
      Optional<LayerStack> stack =
          sealed.isEmpty() ? Optional.empty() : Optional.of(stack(plan, sealed));
      Optional<WritableStack> writable = Optional.empty();
      if (plan.upper().isPresent()) {
        writable = Optional.of(openUpper(plan, plan.upper().get(), stack, open));
      }
      List<BlockSource> plain = sealed.stream().map(SealedLayer::source).toList();
      boolean ahead =
          options.ahead().replay() && !(options.ahead().trace() instanceof TraceChoice.None);
      Optional<HotStream> hot = ahead ? hotStream(plan, opened) : Optional.empty();
      hot.ifPresent(open::push);
      var ended = new AtomicBoolean();
      Optional<Replayer> replayer =
          options.ahead().replay()
              ? replayer(plan, options, plain, stack, hot, ended::get)
              : Optional.empty();
      replayer.ifPresent(open::push);
      open.push(() -> ended.set(true)); // what is still looked up is not needed any more
      if (options.ahead().replay()) {
        readAhead(plan, open);
      }
      Optional<Downloads> download =
          recording ? Optional.empty() : downloads(plan, options, opened);
      download.ifPresent(open::push);
      var parts = new Image.Parts(stack, writable, opened, replayer, download, accesses, remote);
      var image = new Image(plan.name(), parts, top(parts, logging), executor, open);
      logging.ifPresent(log -> log.opened(() -> LoggedImage.of(image.size(), opened, replayer)));
      return image;
    } catch (IOException | RuntimeException e) {
      open.forEach(resource -> closeQuietly(resource, e));
      throw e;
    }
  }

  private Optional<StartLogging> startLog(ImagePlan plan, OpenOptions options) throws IOException {
    if (options.startLog().isEmpty()) {
      return Optional.empty();
    }
    StartLogging logging =
        StartLogging.start(options.startLog().get(), plan.name(), scheduler, executor, ticker);
    logging.opened(() -> LoggedImage.unopened(plan.lowers()));
    return Optional.of(logging);
  }

  private BlockSource top(Image.Parts parts, Optional<StartLogging> logging) {
    BlockSource top =
        parts.writable().isPresent() ? parts.writable().get() : parts.stack().orElseThrow();
    return logging.isEmpty() ? top : MeteredSource.of(top, logging.get().recorder().disk(), ticker);
  }

  /** True if every read is recorded from the beginning. */
  private boolean record(
      ImagePlan plan, OpenOptions options, AccessTap accesses, Deque<Closeable> open)
      throws IOException {
    if (options.recorder().isPresent()) {
      return accesses.connect(options.recorder().get());
    }
    if (!(plan.trace() instanceof TraceUse.RecordInto(Path file))) {
      return false;
    }
    TraceRecorder recorder = new TraceRecorder();
    try {
      Recording recording = Recording.start(file, recorder, scheduler);
      open.push(recording);
      var _ = recording.done().whenComplete((_, _) -> accesses.disconnect(recorder));
    } catch (IOException e) {
      throw new ImageOpenException(
          new Part.Recording(), plan.name() + ": recording: " + FailureText.of(e), e);
    }
    return accesses.connect(recorder);
  }

  private static LayerStack stack(ImagePlan plan, List<SealedLayer> layers) throws IOException {
    try {
      return LayerStack.open(layers);
    } catch (IOException e) {
      throw new ImageOpenException(new Part.Stack(), plan.name() + ": " + FailureText.of(e), e);
    }
  }

  private Optional<Downloads> downloads(
      ImagePlan plan, OpenOptions options, List<OpenedLayer> opened) {
    if (downloads.isEmpty() || !options.download().enabled()) {
      return Optional.empty();
    }
    List<DownloadTask> tasks = new ArrayList<>();
    for (OpenedLayer layer : opened) {
      LayerOrigin origin = layer.origin();
      if (layer.switched().isPresent() && origin.directory().isPresent()) {
        tasks.add(
            new DownloadTask(
                origin.digest().orElseThrow(),
                layer.blobBytes(),
                origin.directory().get(),
                () -> layers.background(origin),
                layer.switched().get()));
      }
    }
    return tasks.isEmpty()
        ? Optional.empty()
        : Optional.of(Downloads.start(plan.name(), tasks, options.download(), downloads.get()));
  }

  /** Nothing is to be fetched of a layer that is local. */
  private Optional<HotStream> hotStream(ImagePlan plan, List<OpenedLayer> opened) {
    return opened.stream()
        .filter(layer -> layer.origin().hot())
        .flatMap(layer -> layer.ranges().stream())
        .findFirst()
        .map(cache -> HotStream.start(plan.name(), cache, ticker, executor));
  }

  private static TraceUse trace(ImagePlan plan, TraceChoice choice) {
    return switch (choice) {
      case TraceChoice.File(Path file) -> new TraceUse.Replay(() -> Recordings.read(file));
      case TraceChoice.None _ -> new TraceUse.None();
      case TraceChoice.All _, TraceChoice.Named _ -> plan.trace();
    };
  }

  private static Optional<String> name(OpenOptions options) {
    return options.ahead().trace() instanceof TraceChoice.Named(String name)
        ? Optional.of(name)
        : Optional.empty();
  }

  /**
   * What the image says first, then what the user listed. Files are replayed like a trace: they
   * only have to be looked up in the image's file system first.
   */
  private Optional<Replayer> replayer(
      ImagePlan plan,
      OpenOptions options,
      List<BlockSource> plain,
      Optional<LayerStack> stack,
      Optional<HotStream> hot,
      BooleanSupplier ended) {
    if (stack.isEmpty() || plan.trace() instanceof TraceUse.RecordInto) {
      return Optional.empty();
    }
    LayerStack disk = stack.get();
    var order = new PrefetchOrder(plan.name(), narrowed(plan, options));
    switch (trace(plan, options.ahead().trace())) {
      case TraceUse.Replay(ImagePlan.Loader<Recordings> recordings) ->
          order.recorded(
              "trace",
              () -> {
                Recordings all = recordings.load();
                return new Recorded(
                    all.replay(plan.digests(), name(options), options.ahead().budget()),
                    all.missing());
              });
      case TraceUse.Files(ImagePlan.Loader<FileList> list) ->
          order.recorded(
              "listed in the image",
              () ->
                  new Recorded(
                      lookUp(() -> FileListTrace.of(disk, list.load(), ended)), Optional.empty()));
      case TraceUse.None _, TraceUse.RecordInto _ -> {}
    }
    hints(plan)
        .ifPresent(
            hints -> order.then("hints", () -> lookUp(() -> FileListTrace.of(disk, hints, ended))));
    if (!options.ahead().files().entries().isEmpty()) {
      order.then(
          "listed", () -> lookUp(() -> FileListTrace.of(disk, options.ahead().files(), ended)));
    }
    ReplayOptions replay =
        ReplayOptions.DEFAULT.withConcurrency(options.ahead().concurrency()).withTicker(ticker);
    return order
        .loader()
        .map(loader -> Replayer.start(plan.name(), plain, hot, loader, replay, executor));
  }

  /** Why not all that is recorded of the image is wanted; empty: all is. */
  private static Optional<String> narrowed(ImagePlan plan, OpenOptions options) {
    if (plan.trace() instanceof TraceUse.None) {
      return Optional.empty();
    }
    return switch (options.ahead().trace()) {
      case TraceChoice.All _ ->
          options.ahead().budget() instanceof PrefetchBudget.Unlimited
              ? Optional.empty()
              : Optional.of("only a part of what is recorded is wanted: a prefetch budget is set");
      case TraceChoice.None _ -> Optional.of("nothing of what is recorded is wanted");
      case TraceChoice.Named(String name) ->
          Optional.of("only the runs of '" + Printable.of(name) + "' are wanted");
      case TraceChoice.File(Path file) -> Optional.of("only what " + file + " says is wanted");
    };
  }

  /** Those of the layer that made the disk what it is: a hot layer only repeats. */
  private static Optional<PrefetchHints> hints(ImagePlan plan) {
    return plan.lowers().reversed().stream()
        .filter(layer -> !layer.hot())
        .findFirst()
        .flatMap(layer -> layer.hints().files());
  }

  /** Nobody waits for what is read to look the files up, either. */
  private Trace lookUp(ReadContext.Operation<Trace> how) throws IOException {
    return new ReadContext(ReadContext.Purpose.REPLAY, Deadline.after(ticker, LOOK_UP)).run(how);
  }

  /** Of layers in local files what their makers wanted; nothing of what comes over a network. */
  private void readAhead(ImagePlan plan, Deque<Closeable> open) {
    for (LayerOrigin layer : plan.lowers()) {
      Optional<Range> range = layer.hints().readahead();
      if (range.isPresent() && layer.file().isPresent()) {
        open.push(ReadAhead.start(layer.file().get(), range.get(), executor));
      }
    }
  }

  private List<OpenedLayer> openLayers(ImagePlan plan, ReadContext context, LayerOpener.Use use)
      throws IOException {
    List<CompletableFuture<OpenedLayer>> opening = new ArrayList<>();
    try {
      for (int i = 0; i < plan.lowers().size(); i++) {
        int number = i;
        LayerOrigin origin = plan.lowers().get(i);
        String what = what(plan, i);
        var layer = new CompletableFuture<OpenedLayer>();
        opening.add(layer);
        executor.execute(
            () -> complete(layer, () -> context.run(() -> layers.open(what, number, origin, use))));
      }
    } catch (RejectedExecutionException e) {
      opening.forEach(layer -> abandon(layer, e));
      throw e;
    }
    return join(plan, opening);
  }

  private static String what(ImagePlan plan, int number) {
    return plan.name()
        + ": layer "
        + number
        + " of "
        + plan.lowers().size()
        + " ("
        + plan.lowers().get(number).name()
        + ")";
  }

  /** A layer that comes when nobody waits for it any more is closed. */
  private static void complete(
      CompletableFuture<OpenedLayer> layer, ReadContext.Operation<OpenedLayer> open) {
    try {
      OpenedLayer opened = open.run();
      if (!layer.complete(opened)) {
        opened.sealed().close();
      }
    } catch (Throwable e) { // whatever it is, whoever waits must hear of it
      layer.completeExceptionally(e);
    }
  }

  private static void abandon(CompletableFuture<OpenedLayer> layer, Exception cause) {
    if (!layer.cancel(false) && !layer.isCompletedExceptionally()) {
      closeQuietly(layer.join().sealed(), cause);
    }
  }

  private static WritableStack openUpper(
      ImagePlan plan, ImagePlan.UpperFiles files, Optional<LayerStack> stack, Deque<Closeable> open)
      throws IOException {
    try {
      WritableLayer upper = openUpper(files);
      open.push(upper);
      return WritableStack.open(upper, stack);
    } catch (IOException | RuntimeException e) {
      throw new ImageOpenException(
          new Part.Upper(), plan.name() + ": writable layer: " + FailureText.of(e), e);
    }
  }

  static WritableLayer openUpper(ImagePlan.UpperFiles files) throws IOException {
    for (Path file : List.of(files.data(), files.index())) {
      if (!Files.exists(file)) {
        throw new NoSuchFileException(
            file.toString(), null, "the writable layer's file does not exist");
      }
    }
    WritableLayer layer = WritableLayer.open(files.data(), files.index());
    layer.warnings().forEach(w -> log.warn("upper.recovered data={} {}", files.data(), w));
    return layer;
  }

  /** Waits for all of them; on the first failure closes what was opened. */
  private static List<OpenedLayer> join(
      ImagePlan plan, List<CompletableFuture<OpenedLayer>> opening) throws IOException {
    List<OpenedLayer> opened = new ArrayList<>();
    IOException failure = null;
    for (int i = 0; i < opening.size(); i++) {
      try {
        opened.add(opening.get(i).get());
      } catch (ExecutionException e) {
        IOException reason =
            e.getCause() instanceof ImageOpenException layer
                ? layer
                : new IOException(what(plan, i) + ": " + e.getCause(), e.getCause());
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
      for (OpenedLayer layer : opened) {
        closeQuietly(layer.sealed(), failure);
      }
      throw failure;
    }
    return opened;
  }

  private static void closeQuietly(Closeable resource, Exception cause) {
    try {
      resource.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }
}
