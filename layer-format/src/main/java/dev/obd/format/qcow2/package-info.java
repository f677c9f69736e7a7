/**
 * Reads qcow2 disk images, versions 2 and 3. Knows {@code dev.obd.io} and the codecs; opens nothing
 * itself: backing files come from a {@link dev.obd.format.qcow2.BackingFiles}.
 *
 * <p>Source: QEMU, docs/interop/qcow2.txt.
 */
@NullMarked
package dev.obd.format.qcow2;

import org.jspecify.annotations.NullMarked;
