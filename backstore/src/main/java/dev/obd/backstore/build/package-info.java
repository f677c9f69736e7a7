/** Makes layers and images: packing, importing, exporting, committing. */
@NullMarked
package dev.obd.backstore.build;

import org.jspecify.annotations.NullMarked;
