package dev.obd.backstore.preflight;

/**
 * One thing that was looked at.
 *
 * @param name one word: what was looked at
 * @param finding what was found, in a line
 * @param advice what to do about it; empty if nothing has to be done
 * @param seconds how long looking took
 */
public record Check(String name, Verdict verdict, String finding, String advice, double seconds) {
  /** How it is. */
  public enum Verdict {
    OK,
    /** It works, but not as well as it could. */
    WARNING,
    /** It does not work. */
    FAILED
  }

  /** What a check comes to, before it is known how long it took. */
  record Found(Verdict verdict, String finding, String advice) {
    static Found ok(String finding) {
      return new Found(Verdict.OK, finding, "");
    }

    static Found warning(String finding, String advice) {
      return new Found(Verdict.WARNING, finding, advice);
    }

    static Found failed(String finding, String advice) {
      return new Found(Verdict.FAILED, finding, advice);
    }
  }
}
