/**
 * Devices at {@code /dev/nbdN}: the kernel's own NBD client, set up through generic netlink and
 * served over a private socket by the NBD front-end of this process. Knows of obd the devices only.
 */
@NullMarked
package dev.obd.kernelnbd;

import org.jspecify.annotations.NullMarked;
