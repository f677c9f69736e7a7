/**
 * Background download: completes remote layers in their directories while a device is in use, and
 * switches its reads to the local copy. Fetch: brings whole blobs here, as fast as the link allows.
 * Knows sources, opens none itself.
 */
@NullMarked
package dev.obd.backstore.download;

import org.jspecify.annotations.NullMarked;
