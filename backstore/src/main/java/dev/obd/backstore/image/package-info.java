/** Opens images: from where a layer's blob lies up to the disk a device serves. */
@NullMarked
package dev.obd.backstore.image;

import org.jspecify.annotations.NullMarked;
