/**
 * Devices that the kernel's TCMU lets us serve: a {@link dev.obd.backstore.device.DeviceHandler}
 * for those that others or we make, and a {@link dev.obd.backstore.device.DeviceFrontend}. Puts
 * together netlink ({@link dev.obd.tcmu.netlink}), configuration ({@link dev.obd.tcmu.configfs}),
 * rings ({@link dev.obd.tcmu.ring}) and disks ({@link dev.obd.tcmu.scsi}).
 *
 * <p>Threads, all of the platform's: one for events, one that looks at the clock, one for each
 * ring, and a pool on which devices are opened and closed, one task per device.
 */
@NullMarked
package dev.obd.tcmu;

import org.jspecify.annotations.NullMarked;
