package dev.obd.cli.control;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Starts a daemon in the background for as long as it has something to do. */
public final class OnDemand {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long POLL_MILLIS = 25;
  private static final long AGAIN_MILLIS = 250;
  private static final int ALREADY_RUNNING = 3;
  private static final int TAIL = 2000;
  private static final String MAIN = "dev.obd.cli.Main";

  private OnDemand() {}

  /**
   * Starts one and returns once it answers {@code client}.
   *
   * @param home OBD_HOME of the daemon
   * @throws IOException if it ends before; the message has what it said
   */
  public static void start(DaemonClient client, Path home)
      throws IOException, InterruptedException {
    Path log = Files.createDirectories(home.resolve("log")).resolve("daemon.log");
    long said = Files.exists(log) ? Files.size(log) : 0;
    List<String> command = new ArrayList<>();
    // Ctrl-C and the end of the terminal are for commands. A JVM that was started with these
    // signals ignored leaves them so.
    command.addAll(List.of("sh", "-c", "trap '' INT HUP; exec \"$@\"", "obd-daemon"));
    command.addAll(obd());
    command.addAll(List.of("daemon", "--on-demand"));
    var builder = new ProcessBuilder(command);
    builder.environment().put("OBD_HOME", home.toString());
    builder.directory(Path.of("/").toFile()); // it must not keep where the user stands busy
    builder.redirectInput(Path.of("/dev/null").toFile());
    builder.redirectOutput(Path.of("/dev/null").toFile());
    builder.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
    Process daemon = builder.start();
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!answers(client)) {
      if (System.nanoTime() - end > 0) {
        throw new IOException("the daemon does not answer; it says: " + tail(log, said));
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
      if (!daemon.isAlive()) {
        if (daemon.exitValue() != ALREADY_RUNNING) {
          throw new IOException("the daemon could not be started: " + tail(log, said));
        }
        // Another command may have been faster, and its daemon answers soon. Or the one that was
        // there is just leaving, and holds the home until it has.
        TimeUnit.MILLISECONDS.sleep(AGAIN_MILLIS);
        daemon = builder.start();
      }
    }
  }

  private static boolean answers(DaemonClient client) throws IOException {
    try {
      client.get("/v1/log-level");
      return true;
    } catch (NoDaemonException e) {
      return false;
    }
  }

  /** How obd is called: the launcher of this installation, or as this process was. */
  private static List<String> obd() {
    Path launcher = Path.of(System.getProperty("obd.app", "/nonexistent"), "bin", "obd");
    if (Files.isExecutable(launcher)) {
      return List.of(launcher.toString());
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    String[] arguments = ProcessHandle.current().info().arguments().orElse(new String[0]);
    List<String> all = List.of(arguments);
    int main = all.indexOf(MAIN);
    if (main >= 0) {
      command.addAll(all.subList(0, main));
    } else { // not started by hand: a test's process
      command.addAll(
          List.of(
              "--enable-native-access=ALL-UNNAMED",
              "--sun-misc-unsafe-memory-access=allow",
              "-Djnr.ffi.x86asm.enabled=false",
              "-cp",
              System.getProperty(
                  "surefire.test.class.path", System.getProperty("java.class.path"))));
    }
    command.add(MAIN);
    return command;
  }

  private static String tail(Path log, long from) throws IOException {
    byte[] all = Files.readAllBytes(log);
    int start = (int) Math.max(Math.min(from, all.length), all.length - TAIL);
    String text = new String(all, start, all.length - start, StandardCharsets.UTF_8).strip();
    return text.isEmpty() ? "nothing" : text;
  }
}
