/** The process behind {@code obd daemon}: its logs, what it says to systemd, its composition. */
@NullMarked
package dev.obd.cli.daemon;

import org.jspecify.annotations.NullMarked;
