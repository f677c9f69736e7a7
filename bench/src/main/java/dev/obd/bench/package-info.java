/** Measurements with JMH: see docs/measuring.md. */
@NullMarked
package dev.obd.bench;

import org.jspecify.annotations.NullMarked;
