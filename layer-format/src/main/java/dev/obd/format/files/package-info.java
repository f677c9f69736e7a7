/**
 * A file system on a disk, whatever its type: paths, inodes, and where on the disk files lie. What
 * differs is in a package per type. Knows {@code dev.obd.io} only.
 */
@NullMarked
package dev.obd.format.files;

import org.jspecify.annotations.NullMarked;
