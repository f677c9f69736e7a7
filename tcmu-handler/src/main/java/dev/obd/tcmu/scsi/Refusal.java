package dev.obd.tcmu.scsi;

/** Ends a command on the way to its answer. Has no stack trace: guests may cause many. */
@SuppressWarnings("serial") // is never written anywhere
final class Refusal extends Exception {
  private final transient ScsiResult result;

  Refusal(ScsiResult result) {
    super(null, null, false, false);
    this.result = result;
  }

  Refusal(Sense sense) {
    this(ScsiResult.failed(sense));
  }

  ScsiResult result() {
    return result;
  }
}
