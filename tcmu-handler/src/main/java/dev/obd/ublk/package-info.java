/**
 * Devices as {@code /dev/ublkbN}, through the kernel's ublk driver over io_uring;
 * docs/formats/ublk.md has its side. Sees the device and {@code nativeio}.
 */
@NullMarked
package dev.obd.ublk;

import org.jspecify.annotations.NullMarked;
