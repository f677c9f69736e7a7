/**
 * The kernel's configuration of TCMU devices and the loopback adapters that make disks of them
 * (docs/formats/tcmu.md). Every step may wait for the device's handler.
 */
@NullMarked
package dev.obd.tcmu.configfs;

import org.jspecify.annotations.NullMarked;
