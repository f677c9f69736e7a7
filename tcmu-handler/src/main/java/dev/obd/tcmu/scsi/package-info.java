/**
 * A SCSI disk over a {@link dev.obd.backstore.device.BlockDevice}: command descriptor blocks and
 * data buffers in, status and sense out (docs/formats/scsi.md). Knows no ring, no kernel and no
 * clock.
 */
@NullMarked
package dev.obd.tcmu.scsi;

import org.jspecify.annotations.NullMarked;
