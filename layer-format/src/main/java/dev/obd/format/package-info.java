/**
 * What a layer blob is wrapped in: sniffs, and opens the wrappers in {@code .tar} and {@code
 * .zfile}.
 */
@NullMarked
package dev.obd.format;

import org.jspecify.annotations.NullMarked;
