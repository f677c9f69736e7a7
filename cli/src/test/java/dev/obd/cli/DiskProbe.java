package dev.obd.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Writes a block of a disk and reads it again, without an end and past the page cache: knows how
 * long a request took at most, and whether a byte was ever wrong. A thread of its own.
 */
final class DiskProbe implements AutoCloseable {
  private static final int BLOCK = 4096;
  private static final int ALIGNMENT = 4096;
  private static final long PAUSE_MILLIS = 2;

  private final FileChannel disk;
  private final long offset;
  private final int blocks;
  private final Thread thread;
  private volatile boolean ending;
  private long worstNanos; // guarded by this
  private long rounds; // guarded by this
  private @Nullable Throwable failure; // guarded by this

  /**
   * Begins.
   *
   * @param offset of the part that is the probe's own
   */
  DiskProbe(Path node, long offset, int blocks) throws IOException {
    this.disk = FileChannel.open(node, StandardOpenOption.READ, StandardOpenOption.WRITE, direct());
    this.offset = offset;
    this.blocks = blocks;
    this.thread = Thread.ofPlatform().name("probe " + node).daemon().start(this::run);
  }

  /** O_DIRECT; its class is none that javac lets one name without a warning. */
  private static OpenOption direct() {
    try {
      return (OpenOption)
          Class.forName("com.sun.nio.file.ExtendedOpenOption").getField("DIRECT").get(null);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private void run() {
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK + ALIGNMENT).alignedSlice(ALIGNMENT);
    block.limit(BLOCK);
    try {
      for (long round = 1; !ending; round++) {
        int mine = (int) (round % blocks);
        long begin = System.nanoTime();
        fill(block, round);
        disk.write(block, offset + (long) mine * BLOCK);
        // What was written one turn ago has seen more than what was written just now.
        long older = Math.max(1, round - blocks + 1);
        block.clear().limit(BLOCK);
        disk.read(block, offset + older % blocks * BLOCK);
        check(block, older);
        done(System.nanoTime() - begin);
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      }
    } catch (IOException | InterruptedException | AssertionError e) {
      synchronized (this) {
        failure = e;
      }
    }
  }

  private static void fill(ByteBuffer block, long round) {
    block.clear().limit(BLOCK);
    while (block.hasRemaining()) {
      block.putLong(round * 0x9E37_79B9_7F4A_7C15L + block.position());
    }
    block.flip();
  }

  private static void check(ByteBuffer block, long round) {
    ByteBuffer expected = ByteBuffer.allocate(BLOCK);
    fill(expected, round);
    block.flip();
    if (!block.equals(expected)) {
      throw new AssertionError("wrong bytes in the block that was written in round " + round);
    }
  }

  private synchronized void done(long nanos) {
    worstNanos = Math.max(worstNanos, nanos);
    rounds++;
    notifyAll();
  }

  /** The longest a write and a read have taken since this was asked last, ms. */
  synchronized long takeWorstMillis() {
    long worst = worstNanos;
    worstNanos = 0;
    return TimeUnit.NANOSECONDS.toMillis(worst);
  }

  /** Waits until a write and a read that began after this call have ended. */
  synchronized void awaitRounds(long patienceMillis) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMillis);
    long wanted = rounds + 2;
    while (rounds < wanted) {
      check();
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        throw new AssertionError("no request has ended for " + patienceMillis + " ms");
      }
      wait(Math.min(left, 1000));
    }
  }

  /** Throws if it had to stop. */
  synchronized void check() {
    if (failure != null) {
      throw new AssertionError("the probe failed in round " + (rounds + 1), failure);
    }
  }

  /** {@code name: n=3 min=1 median=2 max=3 ms}. */
  static String summary(String name, List<Long> millis) {
    var sorted = new ArrayList<>(millis);
    sorted.sort(null);
    return String.format(
        Locale.ROOT,
        "%s: n=%d min=%d median=%d max=%d ms",
        name,
        sorted.size(),
        sorted.getFirst(),
        sorted.get(sorted.size() / 2),
        sorted.getLast());
  }

  @Override
  public void close() throws IOException {
    ending = true;
    try {
      thread.join(TimeUnit.SECONDS.toMillis(60));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    disk.close();
    check();
    if (thread.isAlive()) {
      throw new AssertionError(
          "a request does not end: " + Arrays.toString(thread.getStackTrace()));
    }
  }
}
