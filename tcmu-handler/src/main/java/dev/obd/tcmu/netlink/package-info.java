/**
 * The kernel's TCM-USER netlink family: which devices come, go and change (docs/formats/tcmu.md).
 */
@NullMarked
package dev.obd.tcmu.netlink;

import org.jspecify.annotations.NullMarked;
