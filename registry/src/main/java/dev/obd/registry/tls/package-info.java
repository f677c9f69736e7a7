/** Whom TLS connections trust, and who we are on them. */
@NullMarked
package dev.obd.registry.tls;

import org.jspecify.annotations.NullMarked;
