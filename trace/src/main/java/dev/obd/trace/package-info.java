/**
 * The access trace: what a start reads, recorded, stored, coalesced. Knows offsets and layer
 * numbers, not where bytes come from.
 */
@NullMarked
package dev.obd.trace;

import org.jspecify.annotations.NullMarked;
