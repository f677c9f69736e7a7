package dev.obd.backstore.nbd;

import java.time.Duration;

/**
 * What one server gives its clients.
 *
 * @param maxConnections more are closed as they come
 * @param maxRequests requests of one connection in work; then it is not read from
 * @param maxBytes payload of one connection in work or waiting to be sent; a request begun below
 *     the limit may exceed it once, so a connection holds at most this plus one payload
 * @param handshakeTimeout from connecting to transmission
 * @param drainTimeout how long closing waits for requests in work
 */
record Limits(
    int maxConnections,
    int maxRequests,
    long maxBytes,
    Duration handshakeTimeout,
    Duration drainTimeout) {
  static final Limits DEFAULTS =
      new Limits(128, 256, 32 << 20, Duration.ofSeconds(10), Duration.ofSeconds(30));
}
