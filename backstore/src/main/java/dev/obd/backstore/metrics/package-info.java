/**
 * The numbers of a process for Prometheus: the one place where counters meet metric names. What is
 * counted is counted elsewhere, in plain adders, and read when somebody asks.
 */
@NullMarked
package dev.obd.backstore.metrics;

import org.jspecify.annotations.NullMarked;
