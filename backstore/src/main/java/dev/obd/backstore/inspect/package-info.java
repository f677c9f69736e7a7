/**
 * Looks at layers, images and traces and says what they are, damaged ones included. Changes
 * nothing.
 */
@NullMarked
package dev.obd.backstore.inspect;

import org.jspecify.annotations.NullMarked;
