package dev.obd.cli;

import dev.obd.testdata.Processes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** obd as a process of its own, with this class path: it can be sent signals, and be killed. */
final class ObdProcess implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Pattern READY = Pattern.compile("(?m)^ready (\\S+)");
  private static final List<String> FLAGS =
      List.of(
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          "-Djnr.ffi.x86asm.enabled=false",
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-XX:-UsePerfData",
          "-Xmx256m");

  private final Process process;
  private final Path out;
  private final Path err;

  private ObdProcess(Process process, Path out, Path err) {
    this.process = process;
    this.out = out;
    this.err = err;
  }

  /** Starts {@code obd} with these arguments; what it prints goes to files under {@code home}. */
  static ObdProcess start(Path home, String... arguments) throws IOException {
    return start(home, Map.of(), arguments);
  }

  /** As above, with more environment. */
  static ObdProcess start(Path home, Map<String, String> environment, String... arguments)
      throws IOException {
    return start(home, Path.of("/dev/null"), environment, arguments);
  }

  /** With a file as its standard input. */
  static ObdProcess startReading(Path home, Path input, String... arguments) throws IOException {
    return start(home, input, Map.of(), arguments);
  }

  private static ObdProcess start(
      Path home, Path input, Map<String, String> environment, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(FLAGS);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(arguments));
    Files.createDirectories(home);
    Path out = Files.createTempFile(home, "out", ".txt");
    Path err = Files.createTempFile(home, "err", ".txt");
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("OBD_HOME", home.toString());
    builder.environment().putAll(environment);
    builder.redirectInput(input.toFile());
    builder.redirectOutput(out.toFile());
    builder.redirectError(err.toFile());
    return new ObdProcess(builder.start(), out, err);
  }

  /** Serves {@code source} on a socket under {@code home} and waits until it is ready. */
  static ObdProcess serve(Path home, String source, String... more)
      throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>(List.of("serve", source));
    arguments.addAll(List.of("--nbd", "unix:" + home.resolve("nbd.sock")));
    arguments.addAll(List.of(more));
    Files.createDirectories(home);
    ObdProcess server = start(home, arguments.toArray(String[]::new));
    server.awaitReady();
    return server;
  }

  /** Waits until it says that it is ready, and where. */
  String awaitReady() throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      Matcher ready = READY.matcher(out() + "\n" + err());
      if (ready.find()) {
        return ready.group(1);
      }
      if (!process.isAlive() || System.nanoTime() - end > 0) {
        throw new AssertionError("not ready\n" + out() + err());
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  /** The address it said first. */
  String uri() throws IOException, InterruptedException {
    return awaitReady();
  }

  /** SIGTERM; returns the exit status. */
  int stop() throws IOException, InterruptedException {
    process.destroy();
    return await();
  }

  /** SIGINT; returns the exit status. */
  int interrupt() throws IOException, InterruptedException {
    Processes.run("kill", "-INT", Long.toString(process.pid()));
    return await();
  }

  /**
   * Whether this process, and so every child, was started with SIGINT ignored: shells do that to
   * jobs in the background, and a JVM leaves it so.
   */
  static boolean ignoresInterrupts() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("SigIgn:"))
        .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 2) != 0);
  }

  /** SIGKILL. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Waits for the end; returns the exit status. */
  int await() throws IOException, InterruptedException {
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("still running\n" + out() + err());
    }
    return process.exitValue();
  }

  String out() throws IOException {
    return Files.readString(out, StandardCharsets.UTF_8);
  }

  String err() throws IOException {
    return Files.readString(err, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    if (process.isAlive()) {
      // Asked first: killed, it would leave its mounts behind.
      process.destroy();
      try {
        if (!process.waitFor(20, TimeUnit.SECONDS)) {
          Processes.kill(process);
        }
      } catch (InterruptedException e) {
        Processes.kill(process);
        Thread.currentThread().interrupt();
      }
    }
  }
}
