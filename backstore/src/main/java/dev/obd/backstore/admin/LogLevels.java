package dev.obd.backstore.admin;

/** How much is logged; can be changed while the process runs. Thread-safe. */
public interface LogLevels {
  /** The level now: {@code debug}, {@code info}, {@code warn} or {@code error}. */
  String level();

  /**
   * Changes the level.
   *
   * @throws IllegalArgumentException if there is no such level
   */
  void set(String level);
}
