/**
 * What a start log says: what each byte that was fetched was good for, which reads waited for what,
 * and how long the start would have taken otherwise. Pure: knows logs, no images and no clock.
 */
@NullMarked
package dev.obd.backstore.explain;

import org.jspecify.annotations.NullMarked;
