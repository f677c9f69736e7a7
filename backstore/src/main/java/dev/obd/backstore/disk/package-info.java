/**
 * Base disks: images as raw files, made once and copied for each use. Knows files, no images: who
 * makes a disk's bytes is given.
 */
@NullMarked
package dev.obd.backstore.disk;

import org.jspecify.annotations.NullMarked;
