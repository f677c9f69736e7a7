package dev.obd.backstore.source;

/** Is told how each read went. Called by many threads at once; neither blocks nor fails. */
@FunctionalInterface
public interface ReadRecorder {
  /**
   * One read that ended.
   *
   * @param bytes asked for
   * @param nanos it took
   * @param ok false if it failed
   */
  void read(int bytes, long nanos, boolean ok);
}
