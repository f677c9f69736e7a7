package dev.obd.tcmu.configfs;

import java.nio.file.Path;

/**
 * Where the kernel shows itself.
 *
 * @param sys {@code /sys}
 * @param dev {@code /dev}
 */
public record KernelPaths(Path sys, Path dev) {
  public static final KernelPaths SYSTEM = new KernelPaths(Path.of("/sys"), Path.of("/dev"));

  /** The configuration of all SCSI targets. */
  public Path target() {
    return sys.resolve("kernel/config/target");
  }

  /** Where TCMU's parameters are. */
  public Path parameters() {
    return sys.resolve("module/target_core_user/parameters");
  }

  public Path uioClass() {
    return sys.resolve("class/uio");
  }
}
