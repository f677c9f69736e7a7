/**
 * Who we are to a registry: where credentials come from, what a challenge asks. Makes no requests
 * to registries.
 */
@NullMarked
package dev.obd.registry.auth;

import org.jspecify.annotations.NullMarked;
