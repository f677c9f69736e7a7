/**
 * Reads ext2, ext3 and ext4 file systems without mounting them: files' places on the disk, and
 * their bytes. Knows {@code dev.obd.io} and {@code dev.obd.format.files} only.
 *
 * <p>Source: the Linux kernel's Documentation/filesystems/ext4.
 */
@NullMarked
package dev.obd.format.ext4;

import org.jspecify.annotations.NullMarked;
