/** Checksums shared by the formats. Knows the JDK and nothing else. */
@NullMarked
package dev.obd.format.crc;

import org.jspecify.annotations.NullMarked;
