package dev.obd.tcmu;

import dev.obd.tcmu.configfs.KernelPaths;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Whether this machine has what TCMU devices need. */
final class Requirements {
  private Requirements() {}

  static Optional<String> missing(KernelPaths paths) {
    if (!"root".equals(System.getProperty("user.name")) && !Files.isWritable(paths.dev())) {
      return Optional.of("TCMU devices need root");
    }
    if (!Files.isDirectory(paths.parameters())
        && !Files.isDirectory(paths.sys().resolve("module/target_core_user"))) {
      return Optional.of(
          "the kernel has no TCMU: `modprobe target_core_user` loads it where it is built"
              + " (CONFIG_TCM_USER2)");
    }
    if (!Files.isDirectory(paths.target().resolve("core"))) {
      return Optional.of(
          "configfs is not mounted: `mount -t configfs configfs /sys/kernel/config`");
    }
    if (!Files.isDirectory(paths.sys().resolve("module/tcm_loop"))) {
      return Optional.of(
          "the kernel has no SCSI loopback: `modprobe tcm_loop` loads it where it is built"
              + " (CONFIG_LOOPBACK_TARGET)");
    }
    if (!Files.isDirectory(Path.of("/proc/self"))) {
      return Optional.of("/proc is not mounted");
    }
    return Optional.empty();
  }
}
