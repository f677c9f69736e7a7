package dev.obd.backstore.config;

import java.io.IOException;

/**
 * A user's configuration says something obd cannot do. Names the file, the key, what is expected
 * and what is there.
 */
public final class ConfigException extends IOException {
  private static final long serialVersionUID = 1;

  private final String key;

  public ConfigException(String file, String key, String expected, Object actual) {
    super(file + ": " + key + ": expected " + expected + ", got " + actual);
    this.key = key;
  }

  public ConfigException(String file, String problem) {
    super(file + ": " + problem);
    this.key = "";
  }

  /** The key that is wrong, {@code lowers[1].digest}; empty if it is the file as a whole. */
  public String key() {
    return key;
  }
}
