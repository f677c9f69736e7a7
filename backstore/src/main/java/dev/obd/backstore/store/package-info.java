/**
 * Images by name: the local store, layouts and registries behind one way to load, copy and save an
 * image.
 */
@NullMarked
package dev.obd.backstore.store;

import org.jspecify.annotations.NullMarked;
