/**
 * Bytes at an offset: the interfaces every format, decorator and cache speaks, and the few plain
 * sources. Knows the JDK and nothing else.
 */
@NullMarked
package dev.obd.io;

import org.jspecify.annotations.NullMarked;
