package dev.obd.testdata.vm;

import org.jspecify.annotations.Nullable;

/**
 * What the guest tells about a test: one line of JSON when it starts, one when it ends.
 *
 * @param id JUnit's unique id
 * @param name as displayed in the guest
 * @param kind what became of it
 * @param failure why it did not succeed, if it did not
 */
record Outcome(String id, String name, Kind kind, @Nullable Failure failure) {
  enum Kind {
    STARTED,
    SUCCEEDED,
    ABORTED,
    FAILED
  }
}
