/**
 * Configuration as records: where obd keeps things, and overlaybd's per-device file. Knows JSON,
 * opens nothing.
 */
@NullMarked
package dev.obd.backstore.config;

import org.jspecify.annotations.NullMarked;
