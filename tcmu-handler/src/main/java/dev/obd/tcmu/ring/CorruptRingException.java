package dev.obd.tcmu.ring;

import java.io.IOException;

/** A ring holds what its writer never writes; nothing in it can be trusted any more. */
public final class CorruptRingException extends IOException {
  private static final long serialVersionUID = 1;

  /** The message reads {@code tcm-user/0/d @136: length: expected 8 to 4096, got 12}. */
  CorruptRingException(String ring, long at, String field, Object expected, long actual) {
    super(ring + " @" + at + ": " + field + ": expected " + expected + ", got " + actual);
  }
}
