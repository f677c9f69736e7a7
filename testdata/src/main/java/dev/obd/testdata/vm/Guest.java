package dev.obd.testdata.vm;

import dev.obd.testdata.Golden;
import dev.obd.testdata.Processes;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * A throw-away Linux with this machine's files and a kernel of its own, booted for one command.
 *
 * @param engine what runs it
 * @param mebibytes its memory
 * @param cpus its CPUs; User Mode Linux has one
 * @param limit how long it may run
 * @param writable directories of this machine that it may write; all else it writes is lost
 */
public record Guest(Engine engine, int mebibytes, int cpus, Duration limit, List<Path> writable) {
  /** Set where the tests themselves run in a guest. */
  static final String INSIDE = "obd.in.guest";

  /** Tells the tests in a guest what {@code OBD_VM} is outside. */
  static final String REQUIRED = "obd.in.guest.required";

  private static final Duration FETCHING = Duration.ofMinutes(5);

  /** Beyond the script's own limit, for the case that it hangs. */
  private static final Duration MARGIN = Duration.ofMinutes(2);

  /** A kernel is fetched once in a process, also if that fails. */
  private static final Map<Engine, Optional<String>> MISSING = new ConcurrentHashMap<>();

  public Guest {
    writable = List.copyOf(writable);
  }

  /** User Mode Linux with 2 GiB, for at most five minutes. */
  public static Guest small() {
    return new Guest(Engine.UML, 2048, 1, Duration.ofMinutes(5), List.of());
  }

  public Guest withWritable(Path directory) {
    var directories = new ArrayList<>(writable);
    directories.add(directory);
    return new Guest(engine, mebibytes, cpus, limit, directories);
  }

  /** True if this process runs in a guest. */
  public static boolean isHere() {
    return Boolean.getBoolean(INSIDE);
  }

  /** True if what a test needs of its guest must not be missing: it fails then. */
  public static boolean isRequired() {
    return Boolean.getBoolean(REQUIRED) || "required".equals(System.getenv("OBD_VM"));
  }

  /** Empty if a guest can be booted; otherwise why not. The first call may fetch the kernel. */
  public static Optional<String> missing(Engine engine) {
    return MISSING.computeIfAbsent(engine, Guest::prepare);
  }

  private static Optional<String> prepare(Engine engine) {
    try {
      var result = Processes.run(FETCHING, null, List.of(script(), "-p", "-e", engine.option()));
      return result.exit() == 0 ? Optional.empty() : Optional.of(result.errors().strip());
    } catch (IOException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return Optional.of("interrupted");
    }
  }

  /**
   * Boots, runs {@code command} as root and returns its exit status; 124 if the limit was reached,
   * 125 if the guest died.
   *
   * @param line gets each line of output as it comes, of both kinds
   */
  public int run(List<String> command, Consumer<String> line)
      throws IOException, InterruptedException {
    var words = new ArrayList<String>();
    words.add(script());
    words.addAll(List.of("-e", engine.option(), "-m", "" + mebibytes, "-c", "" + cpus));
    words.addAll(List.of("-t", "" + limit.toSeconds()));
    writable.forEach(directory -> words.addAll(List.of("-w", directory.toString())));
    words.add("--");
    words.addAll(command);
    Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
    // The script ends its guest when it is told to end.
    var end = new Thread(process::destroy, "end of guest");
    Runtime.getRuntime().addShutdownHook(end);
    Thread guard = guard(process);
    try (BufferedReader output = process.inputReader()) {
      process.getOutputStream().close();
      for (String text = output.readLine(); text != null; text = output.readLine()) {
        line.accept(text);
      }
      return process.waitFor();
    } finally {
      guard.interrupt();
      process.destroy();
      Runtime.getRuntime().removeShutdownHook(end);
    }
  }

  private Thread guard(Process process) {
    return Thread.ofPlatform()
        .daemon()
        .name("guest guard")
        .start(() -> {
          try {
            Thread.sleep(limit.plus(MARGIN));
            process.destroyForcibly();
          } catch (InterruptedException _) {
            // it ended by itself
          }
        });
  }

  private static String script() {
    return Golden.repository().resolve("testdata/vm/run-in-vm").toString();
  }
}
