/**
 * Generic netlink: attributes, messages, families by name, requests with their answers. Knows no
 * particular family, and of the rest {@link dev.obd.nativeio} only.
 */
@NullMarked
package dev.obd.netlink;

import org.jspecify.annotations.NullMarked;
