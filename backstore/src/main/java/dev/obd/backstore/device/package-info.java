/**
 * The block device as front-ends see it: requests in, statuses out. Front-ends see this package and
 * nothing else of obd.
 */
@NullMarked
package dev.obd.backstore.device;

import org.jspecify.annotations.NullMarked;
