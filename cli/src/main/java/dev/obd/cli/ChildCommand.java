package dev.obd.cli;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * A program that the user wants run, with the streams of this process, and all that it starts. Java
 * has no process groups, so its descendants are looked for again and again: one that changes hands
 * between two looks is missed.
 */
final class ChildCommand implements Closeable {
  private static final long PAUSE_MILLIS = 20;
  private static final Duration KILL_PATIENCE = Duration.ofSeconds(5);

  private final Process process;
  private final Set<ProcessHandle> family = new HashSet<>();

  private ChildCommand(Process process) {
    this.process = process;
    family.add(process.toHandle());
  }

  /** Starts {@code command} with these variables besides the environment of this process. */
  static ChildCommand start(List<String> command, Map<String, String> variables)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    builder.environment().putAll(variables);
    return new ChildCommand(builder.start());
  }

  /** Whether the program itself, not what it started, still runs. */
  boolean running() {
    return process.isAlive();
  }

  /** The program's exit status once it has ended; 128 and the signal's number if one ended it. */
  int status() {
    return process.exitValue();
  }

  /** Looks who has been started. */
  void look() {
    family.removeIf(p -> !p.isAlive());
    for (ProcessHandle known : List.copyOf(family)) {
      known.descendants().forEach(family::add);
    }
  }

  /**
   * Asks everybody to end, and ends whoever has not after {@code grace}.
   *
   * @return false if it came to that
   */
  boolean stop(Duration grace) throws InterruptedException {
    look();
    family.forEach(ProcessHandle::destroy);
    if (awaitAll(grace)) {
      return true;
    }
    close();
    return false;
  }

  private boolean awaitAll(Duration patience) throws InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    look();
    while (!family.isEmpty()) {
      if (System.nanoTime() - end >= 0) {
        return false;
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      look();
    }
    return true;
  }

  /** Kills whoever is left. */
  @Override
  public void close() {
    look();
    family.forEach(ProcessHandle::destroyForcibly);
    try {
      awaitAll(KILL_PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
