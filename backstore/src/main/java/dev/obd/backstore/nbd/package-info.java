/**
 * The NBD front-end, server and a small client. Parses its protocol, asks {@link
 * dev.obd.backstore.device.BlockDevice} and maps statuses to errors; knows nothing of images. The
 * only home of Netty. Protocol: docs/formats/nbd.md.
 */
@NullMarked
package dev.obd.backstore.nbd;

import org.jspecify.annotations.NullMarked;
