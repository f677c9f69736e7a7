/**
 * ZFile, overlaybd's seekable compressed container: see docs/formats/zfile.md. Knows {@code
 * dev.obd.io}, the checksums and the two codecs; neither what is inside nor where the bytes come
 * from.
 */
@NullMarked
package dev.obd.format.zfile;

import org.jspecify.annotations.NullMarked;
