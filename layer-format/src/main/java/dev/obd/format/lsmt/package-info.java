/**
 * LSMT layers: a log of blocks and the index that maps a disk onto it. Reads and writes the layer
 * files of overlaybd, stacks them to a disk, commits, seals and merges them. Format:
 * docs/formats/lsmt.md. Knows {@code dev.obd.io} and the JDK.
 */
@NullMarked
package dev.obd.format.lsmt;

import org.jspecify.annotations.NullMarked;
