package dev.obd.fuse;

import dev.obd.mount.Privileges;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What this machine lacks, in one sentence each. Touches nothing native. */
final class Requirements {
  private Requirements() {}

  /** For the file alone. */
  static Optional<String> missingForFile() {
    if (!Files.exists(Channel.DEVICE)) {
      return Optional.of(
          "there is no /dev/fuse: load the module (modprobe fuse), or give the container the device"
              + " (--device /dev/fuse)");
    }
    if (!Files.isReadable(Channel.DEVICE) || !Files.isWritable(Channel.DEVICE)) {
      return Optional.of("/dev/fuse may not be opened by this user");
    }
    try {
      if (Privileges.ofThisProcess().mayMount() || FuserMount.find().isPresent()) {
        return Optional.empty();
      }
    } catch (IOException e) {
      return Optional.of("cannot tell who this process is: " + e.getMessage());
    }
    return Optional.of(
        "mounting needs root (CAP_SYS_ADMIN) or the program fusermount3 (package fuse3)");
  }

  /** For what {@code options} ask for. */
  static Optional<String> missingFor(FuseOptions options) {
    Optional<String> file = missingForFile();
    if (file.isPresent() || !options.loop()) {
      return file;
    }
    try {
      if (!Privileges.ofThisProcess().mayMount()) {
        return Optional.of("a loop device needs root (CAP_SYS_ADMIN)");
      }
    } catch (IOException e) {
      return Optional.of("cannot tell who this process is: " + e.getMessage());
    }
    if (!Files.exists(LoopDevice.CONTROL)) {
      return Optional.of("there is no /dev/loop-control: load the module (modprobe loop)");
    }
    return Optional.empty();
  }

  /** The first executable {@code name} on the PATH. */
  static Optional<Path> onPath(String name) {
    String path = System.getenv("PATH");
    for (String directory : (path == null ? "/usr/bin:/bin" : path).split(File.pathSeparator, -1)) {
      Path candidate = Path.of(directory, name);
      if (candidate.isAbsolute() && Files.isExecutable(candidate)) {
        return Optional.of(candidate);
      }
    }
    return Optional.empty();
  }
}
