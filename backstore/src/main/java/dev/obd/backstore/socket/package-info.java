/**
 * What servers on sockets share: event loops, the two transports, the file of a unix socket. Knows
 * Netty and nothing of obd.
 */
@NullMarked
package dev.obd.backstore.socket;

import org.jspecify.annotations.NullMarked;
