/**
 * The daemon's doors for people and programs: an HTTP server for small requests, and what is asked
 * through it. Knows the devices; serves none.
 */
@NullMarked
package dev.obd.backstore.admin;

import org.jspecify.annotations.NullMarked;
