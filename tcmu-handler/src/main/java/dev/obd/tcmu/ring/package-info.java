/**
 * The command ring that the kernel shares with the handler of a device: entries in, answers out
 * (docs/formats/tcmu.md). Bounds everything it reads and knows no kernel: memory and a bell are
 * given to it.
 */
@NullMarked
package dev.obd.tcmu.ring;

import org.jspecify.annotations.NullMarked;
