package dev.obd.testdata;

import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the golden vectors: see testdata/PROVENANCE.md. */
public final class Golden {
  private Golden() {}

  /** {@code testdata/golden}. */
  public static Path dir() {
    return repository().resolve("testdata/golden");
  }

  /** The top of the source tree. */
  public static Path repository() {
    String property = System.getProperty("obd.repo");
    Path at = Path.of(property == null ? "" : property).toAbsolutePath();
    while (!Files.isDirectory(at.resolve("testdata/golden"))) {
      at = at.getParent();
      if (at == null) {
        throw new IllegalStateException(
            "testdata/golden not found above " + Path.of("").toAbsolutePath());
      }
    }
    return at;
  }
}
