/**
 * Mounting the file systems of block devices: what is mounted where, who may mount, and the thread
 * to do it on. Knows no front-end.
 */
@NullMarked
package dev.obd.mount;

import org.jspecify.annotations.NullMarked;
