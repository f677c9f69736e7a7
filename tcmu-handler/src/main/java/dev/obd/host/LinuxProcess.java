package dev.obd.host;

import dev.obd.backstore.device.HostProcess;
import dev.obd.nativeio.ThisProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@link HostProcess} on Linux. */
public final class LinuxProcess implements HostProcess {
  private static final long OPEN_FILES = 1 << 20;
  private static final int SCORE = -999; // as overlaybd's unit has it; -1000 would be never
  private static final int CAP_IPC_LOCK = 14;
  private static final Path SELF = Path.of("/proc/self");

  private interface Step {
    void run() throws IOException;
  }

  @Override
  public List<String> prepare() {
    List<String> missing = new ArrayList<>();
    attempt(
        missing,
        "reclaim may wait for this process's own devices",
        ThisProcess::serveBlockDevicesOnThisThread);
    attempt(missing, "huge pages stay on", ThisProcess::useSmallPages);
    attempt(
        missing,
        "memory is not locked",
        () -> {
          requireUnlimitedLocks();
          ThisProcess.lockMemory();
        });
    attempt(
        missing,
        "few devices can be served at once",
        () -> {
          long files = ThisProcess.raiseOpenFiles(OPEN_FILES);
          if (files < OPEN_FILES) {
            throw new IOException("RLIMIT_NOFILE is " + files + ", wanted " + OPEN_FILES);
          }
        });
    attempt(missing, "the kernel may end this process when memory runs out", LinuxProcess::score);
    return missing;
  }

  private static void attempt(List<String> missing, String consequence, Step step) {
    try {
      step.run();
    } catch (IOException | LinkageError e) {
      missing.add(consequence + ": " + e.getMessage());
    }
  }

  /**
   * Under a limit, locking all future memory would make the JVM's next allocation fail: better
   * unlocked than dead.
   */
  private static void requireUnlimitedLocks() throws IOException {
    boolean unlimited =
        Files.readAllLines(SELF.resolve("limits")).stream()
            .filter(line -> line.startsWith("Max locked memory"))
            .anyMatch(line -> line.matches("Max locked memory\\s+unlimited.*"));
    boolean privileged =
        Files.readAllLines(SELF.resolve("status")).stream()
            .filter(line -> line.startsWith("CapEff:"))
            .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
            .anyMatch(set -> (set >>> CAP_IPC_LOCK & 1) == 1);
    if (!unlimited && !privileged) {
      throw new IOException("needs CAP_IPC_LOCK or RLIMIT_MEMLOCK unlimited");
    }
  }

  private static void score() throws IOException {
    Path file = SELF.resolve("oom_score_adj");
    int now = Integer.parseInt(Files.readString(file).strip());
    if (now > SCORE) {
      Files.writeString(file, Integer.toString(SCORE));
    }
  }
}
