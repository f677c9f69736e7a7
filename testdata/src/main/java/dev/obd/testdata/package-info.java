/**
 * Golden blobs, seeded generators, a registry with faults. Knows no obd type, so fixtures cannot be
 * made by the code under test.
 */
@NullMarked
package dev.obd.testdata;

import org.jspecify.annotations.NullMarked;
