package dev.obd.testdata.vm;

import org.jspecify.annotations.Nullable;

/** A test failed in the guest; message and stack trace are those from there. */
final class GuestFailure extends AssertionError {
  private static final long serialVersionUID = 1;

  GuestFailure(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
