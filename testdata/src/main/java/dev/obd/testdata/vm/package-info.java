/**
 * Tests on a kernel that this machine may lack: {@link dev.obd.testdata.vm.InGuest} runs a test
 * class in a throw-away guest. See {@code testdata/vm/README.md}.
 */
@NullMarked
package dev.obd.testdata.vm;

import org.jspecify.annotations.NullMarked;
