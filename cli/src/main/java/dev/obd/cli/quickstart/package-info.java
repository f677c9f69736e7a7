/**
 * The quickstart: a real image, a simulated link, the same program started cold, with replay, and
 * warm.
 */
@NullMarked
package dev.obd.cli.quickstart;

import org.jspecify.annotations.NullMarked;
