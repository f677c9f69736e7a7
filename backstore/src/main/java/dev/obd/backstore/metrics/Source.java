package dev.obd.backstore.metrics;

/** Something that has numbers. Called by several threads at once, once per answer. */
@FunctionalInterface
interface Source {
  void addTo(Families families);
}
