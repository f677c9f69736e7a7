/**
 * Repositories over HTTP: connections, tokens, redirects, retries, uploads. Every call ends within
 * the patience it was given.
 */
@NullMarked
package dev.obd.registry.http;

import org.jspecify.annotations.NullMarked;
