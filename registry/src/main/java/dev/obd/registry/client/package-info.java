/** What programs start with: opening repositories by name, copying images between them. */
@NullMarked
package dev.obd.registry.client;

import org.jspecify.annotations.NullMarked;
