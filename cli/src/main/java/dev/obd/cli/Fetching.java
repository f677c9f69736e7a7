package dev.obd.cli;

import dev.obd.backstore.download.Fetch;
import dev.obd.backstore.download.FetchOptions;
import dev.obd.backstore.download.FetchStatus;
import dev.obd.backstore.download.WholeBlob;
import dev.obd.io.Ticker;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the commands that bring whole layers, and how they do it: seen, and stoppable. */
final class Fetching {
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  @Option(
      names = "--rate",
      paramLabel = "SIZE",
      converter = Sizes.Converter.class,
      description = "Most bytes fetched per second (default: what the link gives).")
  private long bytesPerSecond;

  @Option(
      names = "--streams",
      paramLabel = "N",
      description = "Ranges fetched at once, 1 to 64 (default ${DEFAULT-VALUE}).")
  private int streams = FetchOptions.DEFAULT.streams();

  /** How it ended. */
  record Done(FetchStatus status, double seconds) {
    long bytesPerSecond() {
      return Math.round(status.fetchedBytes() / Math.max(seconds, 1e-9));
    }
  }

  /**
   * Brings {@code blobs}, which are closed afterwards.
   *
   * @throws IOException also after Ctrl-C: what has come is kept
   */
  Done run(Session session, List<WholeBlob> blobs, Terminal terminal)
      throws IOException, InterruptedException {
    FetchOptions how = FetchOptions.DEFAULT.withStreams(streams).withBytesPerSecond(bytesPerSecond);
    try (Interrupt interrupt = new Interrupt();
        Fetch fetch = new Fetch(blobs, how, session.executor(), Ticker.SYSTEM)) {
      long start = Ticker.SYSTEM.nanos();
      FetchStatus before = fetch.look();
      if (before.hereBefore() > 0 && before.hereBefore() < before.bytes()) {
        terminal.say(
            Sizes.show(before.hereBefore())
                + " of "
                + Sizes.show(before.bytes())
                + " are on this machine already");
      }
      var end = new CompletableFuture<@Nullable Void>();
      session
          .executor()
          .execute(() -> {
            try {
              fetch.run();
              end.complete(null);
            } catch (Throwable e) { // whoever waits must hear of it
              end.completeExceptionally(e);
            }
          });
      Progress progress = terminal.progress("fetching");
      while (!end.isDone()) {
        if (interrupt.await(LOOK_NANOS)) {
          fetch.stop();
          FetchStatus left = fetch.status();
          throw new IOException(
              "interrupted: %s of %s are here; the same command goes on from there"
                  .formatted(Sizes.show(left.hereBytes()), Sizes.show(left.bytes())));
        }
        FetchStatus now = fetch.status();
        if (now.hereBytes() < now.bytes()) { // the last line is drawn when all is verified
          progress.at(now.hereBytes(), now.bytes());
        }
      }
      join(end);
      FetchStatus after = fetch.status();
      progress.at(after.bytes(), after.bytes());
      return new Done(after, (Ticker.SYSTEM.nanos() - start) / 1e9);
    }
  }

  private static void join(CompletableFuture<@Nullable Void> end)
      throws IOException, InterruptedException {
    try {
      end.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case RuntimeException bug -> throw bug;
        case null, default -> throw new IllegalStateException(e.getCause());
      }
    }
  }
}
