/**
 * The devices of a process: those the kernel announces for overlaybd's configurations, and those
 * that users attach. Composes images, devices and doors; knows no protocol.
 */
@NullMarked
package dev.obd.backstore.fleet;

import org.jspecify.annotations.NullMarked;
