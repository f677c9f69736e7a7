package dev.obd.registry.client;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Progress;
import dev.obd.registry.Repository;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Copies blobs, several at a time. After the first failure no further blob is begun. */
public final class BlobCopies {
  private final Repository from;
  private final Repository to;
  private final CopyOptions options;

  public BlobCopies(Repository from, Repository to, CopyOptions options) {
    this.from = from;
    this.to = to;
    this.options = options;
  }

  public void run(List<Descriptor> blobs) throws IOException {
    var waiting = new ConcurrentLinkedQueue<>(blobs);
    var total = new Total(blobs.stream().mapToLong(Descriptor::size).sum());
    var workers = new ArrayList<FutureTask<Void>>();
    try {
      for (int i = 0; i < Math.min(options.parallel(), blobs.size()); i++) {
        var worker = new FutureTask<Void>(() -> work(waiting, total), null);
        workers.add(worker);
        options.executor().execute(worker);
      }
      for (FutureTask<Void> worker : workers) {
        join(worker);
      }
    } finally {
      waiting.clear();
      workers.forEach(w -> w.cancel(true)); // those that are done do not mind
    }
  }

  private void work(Queue<Descriptor> waiting, Total total) {
    for (Descriptor next = waiting.poll(); next != null; next = waiting.poll()) {
      try {
        copy(next, total.part());
      } catch (IOException | RuntimeException e) {
        waiting.clear();
        throw new Failed(e);
      }
    }
  }

  private void copy(Descriptor blob, Progress progress) throws IOException {
    if (to.mount(blob, from)) {
      progress.at(blob.size(), blob.size());
    } else {
      to.push(blob, () -> from.stream(blob), progress);
    }
  }

  private static void join(FutureTask<Void> worker) throws IOException {
    try {
      worker.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException) new InterruptedIOException("copy interrupted").initCause(e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() instanceof Failed failed ? failed.getCause() : e.getCause();
      switch (cause) {
        case IOException io -> throw io;
        case RuntimeException bug -> throw bug;
        case null, default -> throw new IOException("copy failed", cause);
      }
    }
  }

  /** Carries what went wrong out of a worker. */
  private static final class Failed extends RuntimeException {
    private static final long serialVersionUID = 1;

    Failed(Exception cause) {
      super(cause);
    }
  }

  /** The sum of what all blobs report; a blob that starts over counts back. */
  private final class Total {
    private final long bytes;
    private long done;

    Total(long bytes) {
      this.bytes = bytes;
    }

    Progress part() {
      return new Progress() {
        private long before;

        @Override
        public void at(long now, long ignored) {
          synchronized (Total.this) {
            done += now - before;
            before = now;
            options.progress().at(done, bytes);
          }
        }
      };
    }
  }
}
