package dev.obd.backstore.source;

/** Is told how each read went. Called by many threads at once; neither blocks nor fails. */
@FunctionalInterface
public interface ReadRecorder {
  /** Does nothing. */
  ReadRecorder NONE = (offset, length, nanos, ok) -> {};

  /**
   * One read that ended.
   *
   * @param offset where it began
   * @param bytes asked for
   * @param nanos it took
   * @param ok false if it failed
   */
  void read(long offset, int bytes, long nanos, boolean ok);

  /** Tells this one, then {@code other}. */
  default ReadRecorder and(ReadRecorder other) {
    return (offset, bytes, nanos, ok) -> {
      read(offset, bytes, nanos, ok);
      other.read(offset, bytes, nanos, ok);
    };
  }
}
