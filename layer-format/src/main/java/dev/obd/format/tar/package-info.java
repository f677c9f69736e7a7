/**
 * Tar, as far as layers need it: the wrapper around a layer blob, and single members. See
 * docs/formats/tar.md. Knows {@code dev.obd.io} and nothing else.
 */
@NullMarked
package dev.obd.format.tar;

import org.jspecify.annotations.NullMarked;
