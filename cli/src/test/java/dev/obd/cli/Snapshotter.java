package dev.obd.cli;

import dev.obd.testdata.Golden;
import dev.obd.testdata.Processes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What the accelerated container image snapshotter does with the kernel, by its own steps. */
final class Snapshotter {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Path TARGET = Path.of("/sys/kernel/config/target");

  private Snapshotter() {}

  /** The command line that makes a device. */
  static List<String> attaching(String id, Path config) {
    // A slow machine, which may be slow to find a disk.
    return List.of("env", "NODE_TRIES=1000", script("snapshotter-attach"), id, config.toString());
  }

  /** The command line that takes it away. */
  static List<String> detaching(String id) {
    return List.of(script("snapshotter-detach"), id);
  }

  private static String script(String name) {
    return Golden.repository().resolve("testdata/vm").resolve(name).toString();
  }

  /** Makes a device; returns its node. */
  static Path attach(String id, Path config) throws IOException, InterruptedException {
    String node = tryToAttach(id, config).expectSuccess().text().strip();
    if (!node.startsWith("/dev/sd")) {
      throw new AssertionError(id + ": no node, but '" + node + "'");
    }
    return Path.of(node);
  }

  /** Makes a device, if it can be. */
  static Processes.Result tryToAttach(String id, Path config)
      throws IOException, InterruptedException {
    return Processes.run(PATIENCE, null, attaching(id, config));
  }

  static void detach(String id) throws IOException, InterruptedException {
    Processes.run(PATIENCE, null, detaching(id)).expectSuccess();
  }

  /** The node of a device that was made. */
  static Path node(String id) throws IOException {
    Path adapter = TARGET.resolve("loopback/naa.199" + "0".repeat(13 - id.length()) + id);
    String address = Files.readString(adapter.resolve("tpgt_1/address")).strip();
    try (Stream<Path> disks =
        Files.list(Path.of("/sys/class/scsi_device", address + ":0", "device/block"))) {
      return Path.of("/dev").resolve(disks.findFirst().orElseThrow().getFileName());
    }
  }

  /** All devices, and the adapters they are seen behind, that are left. */
  static List<Path> left() throws IOException {
    var left = new ArrayList<Path>();
    for (Path directory :
        List.of(TARGET.resolve("core/user_999999999"), TARGET.resolve("loopback"))) {
      if (Files.isDirectory(directory)) {
        try (Stream<Path> entries = Files.list(directory)) {
          entries.filter(Files::isDirectory).filter(Snapshotter::isMade).forEach(left::add);
        }
      }
    }
    return left;
  }

  /** Some directories are the kernel's own. */
  private static boolean isMade(Path directory) {
    String name = directory.getFileName().toString();
    return name.startsWith("dev_") || name.startsWith("naa.");
  }
}
