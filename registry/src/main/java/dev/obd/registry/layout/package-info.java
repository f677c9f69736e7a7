/** Repositories in OCI image-layout directories. No network. */
@NullMarked
package dev.obd.registry.layout;

import org.jspecify.annotations.NullMarked;
