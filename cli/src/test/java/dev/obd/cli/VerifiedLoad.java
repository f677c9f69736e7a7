package dev.obd.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** {@code fio --verify} on a disk, one run after the other, until it is stopped. */
final class VerifiedLoad implements AutoCloseable {
  private static final long LAST_RUN_SECONDS = 180;

  private final Path node;
  private final Path log;
  private final long offsetMebibytes;
  private final long mebibytes;
  private final Thread thread;
  private volatile boolean ending;
  private volatile @Nullable Process process;
  private volatile int runs;
  private volatile @Nullable String failure;

  /** Begins on a part of the disk, which is its own; {@code log} gets what fio says. */
  VerifiedLoad(Path node, long offsetMebibytes, long mebibytes, Path log) {
    this.node = node;
    this.offsetMebibytes = offsetMebibytes;
    this.mebibytes = mebibytes;
    this.log = log;
    this.thread = Thread.ofPlatform().name("fio " + node).daemon().start(this::run);
  }

  private void run() {
    try {
      while (!ending && failure == null) {
        Process fio =
            new ProcessBuilder(
                    "fio",
                    "--name=verified",
                    "--filename=" + node,
                    "--ioengine=libaio",
                    "--direct=1",
                    "--rw=randwrite",
                    "--bsrange=4k-64k",
                    "--iodepth=8",
                    "--offset=" + offsetMebibytes + "m",
                    "--size=" + mebibytes + "m",
                    "--rate=4m",
                    "--verify=crc32c",
                    "--verify_backlog=32",
                    "--verify_fatal=1",
                    "--randseed=" + (runs + 1),
                    "--group_reporting")
                .directory(log.toAbsolutePath().getParent().toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        process = fio;
        int status = fio.waitFor();
        String output = Files.readString(log);
        if (status != 0 || output.contains("verify:") || output.contains("io_u error")) {
          failure = "fio ended with " + status + "\n" + output;
        }
        runs++;
      }
    } catch (IOException e) {
      failure = e.toString();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Throws if fio has found something. */
  void check() {
    if (failure != null) {
      throw new AssertionError(failure);
    }
  }

  /** How many runs have ended. */
  int runs() {
    return runs;
  }

  /** Lets the run that is under way end, and throws if fio has found something. */
  void finish() {
    ending = true;
    try {
      thread.join(TimeUnit.SECONDS.toMillis(LAST_RUN_SECONDS));
      if (thread.isAlive()) {
        failure = "fio does not end";
        Process fio = process;
        if (fio != null) {
          fio.destroyForcibly();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    check();
  }

  @Override
  public void close() {
    finish();
  }
}
