package dev.obd.registry;

/** Told how far a copy is. Called often; must be quick. */
@FunctionalInterface
public interface Progress {
  Progress NONE = (done, total) -> {};

  /** {@code done} of {@code total} bytes. */
  void at(long done, long total);
}
