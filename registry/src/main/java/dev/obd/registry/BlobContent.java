package dev.obd.registry;

import java.io.IOException;
import java.io.InputStream;

/** Bytes to upload; may be opened again for a retry. */
@FunctionalInterface
public interface BlobContent {
  InputStream open() throws IOException;
}
