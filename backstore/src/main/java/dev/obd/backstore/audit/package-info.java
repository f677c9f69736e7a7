/** The audit log: what was fetched from where, in overlaybd's words. Knows no files. */
@NullMarked
package dev.obd.backstore.audit;

import org.jspecify.annotations.NullMarked;
