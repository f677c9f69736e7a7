/** The other side of the daemon's control API: how commands ask. */
@NullMarked
package dev.obd.cli.control;

import org.jspecify.annotations.NullMarked;
