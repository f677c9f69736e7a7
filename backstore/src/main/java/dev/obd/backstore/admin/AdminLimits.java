package dev.obd.backstore.admin;

import java.time.Duration;

/**
 * What a server puts up with.
 *
 * @param connections at once; more are closed at once
 * @param headerBytes of one request, and of its first line
 * @param bodyBytes of one request
 * @param requestTime from a connection's beginning, or its last answer, to the end of a request
 * @param answerTime for a client to take an answer once it is there
 */
record AdminLimits(
    int connections, int headerBytes, int bodyBytes, Duration requestTime, Duration answerTime) {
  static final AdminLimits DEFAULTS =
      new AdminLimits(64, 16 << 10, 64 << 10, Duration.ofSeconds(30), Duration.ofSeconds(30));
}
