/** What the process asks of Linux for itself. */
@NullMarked
package dev.obd.host;

import org.jspecify.annotations.NullMarked;
