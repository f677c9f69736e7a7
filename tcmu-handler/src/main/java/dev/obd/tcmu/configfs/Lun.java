package dev.obd.tcmu.configfs;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A device's place behind a loopback adapter.
 *
 * @param adapter {@code .../loopback/naa.*}
 * @param link the link to the device, in {@code tpgt_1/lun/lun_0}
 * @param node the disk: {@code /dev/sdb}; empty if the kernel has not made one
 * @param sysfs the disk in sysfs: {@code /sys/block/sdb}
 */
public record Lun(Path adapter, Path link, Optional<Path> node, Optional<Path> sysfs) {}
