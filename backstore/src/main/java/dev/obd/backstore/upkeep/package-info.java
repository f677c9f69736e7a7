/**
 * Looking after the cache: what is in it and for whom, and what may go. Knows the cache, the images
 * of the store and what a layer file is; not devices, which tell what they use.
 */
@NullMarked
package dev.obd.backstore.upkeep;

import org.jspecify.annotations.NullMarked;
