/**
 * What several runs of a program read: sets of runs that merge in any order to the same bytes,
 * their file, and what the runs have in common.
 */
@NullMarked
package dev.obd.trace.runs;

import org.jspecify.annotations.NullMarked;
