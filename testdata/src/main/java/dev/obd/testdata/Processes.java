package dev.obd.testdata;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Runs programs for tests, bounded in time and output. */
public final class Processes {
  private static final int MAX_OUTPUT = 64 << 20;
  private static final Duration DEFAULT_PATIENCE = Duration.ofMinutes(2);

  private Processes() {}

  /** What a program did. */
  public static final class Result {
    private final List<String> command;
    private final int exit;
    private final byte[] output;
    private final String errors;

    private Result(List<String> command, int exit, byte[] output, String errors) {
      this.command = command;
      this.exit = exit;
      this.output = output;
      this.errors = errors;
    }

    /** Its exit status. */
    public int exit() {
      return exit;
    }

    /** Standard output. */
    public byte[] output() {
      return output.clone();
    }

    /** Standard error as text. */
    public String errors() {
      return errors;
    }

    /** Standard output as text. */
    public String text() {
      return new String(output, StandardCharsets.UTF_8);
    }

    /** This result if the program exited with 0, else an {@link AssertionError} with its words. */
    public Result expectSuccess() {
      if (exit != 0) {
        throw new AssertionError(this + "\n" + text() + errors);
      }
      return this;
    }

    @Override
    public String toString() {
      return String.join(" ", command) + ": exit " + exit;
    }
  }

  /** Runs {@code command} for at most two minutes and expects that it succeeds. */
  public static Result run(String... command) throws IOException, InterruptedException {
    return run(DEFAULT_PATIENCE, null, List.of(command)).expectSuccess();
  }

  /**
   * Runs {@code command}; standard input is empty.
   *
   * @param directory where to run it; null: where this process runs
   * @throws IOException if it cannot be started, runs longer than {@code patience} or writes more
   *     than 64 MiB; it and its children are then killed
   */
  public static Result run(Duration patience, @Nullable Path directory, List<String> command)
      throws IOException, InterruptedException {
    var builder = new ProcessBuilder(command);
    Tools.find(command.getFirst())
        .ifPresent(path -> {
          var resolved = new ArrayList<>(command);
          resolved.set(0, path.toString());
          builder.command(resolved);
        });
    if (directory != null) {
      builder.directory(directory.toFile());
    }
    Process process = builder.start();
    try {
      process.getOutputStream().close();
      FutureTask<byte[]> output = reader(process.getInputStream());
      FutureTask<byte[]> errors = reader(process.getErrorStream());
      if (!process.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new IOException(String.join(" ", command) + ": still running after " + patience);
      }
      return new Result(
          command,
          process.exitValue(),
          get(output, patience),
          new String(get(errors, patience), StandardCharsets.UTF_8));
    } finally {
      kill(process);
    }
  }

  /** Kills a process, if it still runs, and all that it started. */
  public static void kill(Process process) {
    if (!process.isAlive()) {
      return; // looking for descendants reads all of /proc, where one stuck process blocks
      // everybody
    }
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  private static FutureTask<byte[]> reader(InputStream in) {
    Callable<byte[]> read =
        () -> {
          byte[] bytes = in.readNBytes(MAX_OUTPUT + 1);
          if (bytes.length > MAX_OUTPUT) {
            throw new IOException("more than " + MAX_OUTPUT + " bytes of output");
          }
          return bytes;
        };
    var task = new FutureTask<>(read);
    Thread.ofPlatform().daemon().name("process output").start(task);
    return task;
  }

  private static byte[] get(FutureTask<byte[]> task, Duration patience)
      throws IOException, InterruptedException {
    try {
      return task.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("output still open after " + patience, e);
    }
  }
}
