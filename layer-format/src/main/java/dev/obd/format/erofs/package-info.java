/**
 * Reads EROFS file systems without mounting them: files' places on the disk, and their bytes where
 * they are not compressed. Knows {@code dev.obd.io} and {@code dev.obd.format.files} only.
 *
 * <p>Source: the Linux kernel's Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h.
 */
@NullMarked
package dev.obd.format.erofs;

import org.jspecify.annotations.NullMarked;
