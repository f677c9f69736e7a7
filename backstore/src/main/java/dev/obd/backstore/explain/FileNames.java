package dev.obd.backstore.explain;

import java.util.Optional;

/** Which file lies where on the disk. */
@FunctionalInterface
public interface FileNames {
  /** Nothing is known of files. */
  FileNames NONE = (offset, length) -> Optional.empty();

  /** The path of the first file in a range of the disk; empty if there is none. */
  Optional<String> of(long offset, long length);
}
