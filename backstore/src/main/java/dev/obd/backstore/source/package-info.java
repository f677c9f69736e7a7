/**
 * Decorators of {@code BlockSource} that each do one thing, and what they share: the queue in front
 * of a host, a simulated link. Uses {@code backstore.cache}, never the other way round.
 */
@NullMarked
package dev.obd.backstore.source;

import org.jspecify.annotations.NullMarked;
