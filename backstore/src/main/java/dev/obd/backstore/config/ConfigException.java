package dev.obd.backstore.config;

import java.io.IOException;

/**
 * A user's configuration says something obd cannot do. Names the file, the key, what is expected
 * and what is there.
 */
public final class ConfigException extends IOException {
  private static final long serialVersionUID = 1;

  public ConfigException(String file, String key, String expected, Object actual) {
    super(file + ": " + key + ": expected " + expected + ", got " + actual);
  }

  public ConfigException(String file, String problem) {
    super(file + ": " + problem);
  }
}
