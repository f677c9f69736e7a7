package dev.obd.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Mounts the image's file system and starts the Java runtime in it, which compiles and runs a
 * program that lies in it.
 */
final class MountedProgram implements Workload {
  private final Path mount;
  private final URI where;
  private final Tool tool;

  MountedProgram(Path dir, Tool tool) {
    this.mount = dir.resolve("mnt");
    this.where = Frontends.mount(dir.resolve("disk"), mount, "ext4", true);
    this.tool = tool;
  }

  /** Why this machine cannot do it; empty if it can. */
  Optional<String> unavailableBecause() throws IOException {
    Files.createDirectories(mount);
    return Frontends.unavailableBecause(where);
  }

  @Override
  public String describe() {
    return "the image is mounted (FUSE, loop device, ext4), and the Java runtime in it compiles and runs "
        + DemoDisk.PROGRAM;
  }

  @Override
  public String run(Attachment attachment) throws IOException, InterruptedException {
    attachment.export(where);
    String output =
        tool.run(
            List.of(
                mount.resolve("bin/java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                mount.resolve(DemoDisk.PROGRAM.substring(1)).toString()),
            Map.of("JAVA_TOOL_OPTIONS", "", "JDK_JAVA_OPTIONS", "", "LD_LIBRARY_PATH", ""));
    return output.strip();
  }
}
