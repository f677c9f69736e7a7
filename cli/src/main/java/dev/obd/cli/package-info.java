/** The obd command: text in, text out, exit codes, and the composition of the process. */
@NullMarked
package dev.obd.cli;

import org.jspecify.annotations.NullMarked;
