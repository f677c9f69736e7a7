/**
 * Says what something is, and opens it: what a layer blob is wrapped in ({@code .tar}, {@code
 * .zfile}), and the file system on a disk ({@code .ext4}, {@code .erofs}).
 */
@NullMarked
package dev.obd.format;

import org.jspecify.annotations.NullMarked;
