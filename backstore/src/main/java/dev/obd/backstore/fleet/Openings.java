package dev.obd.backstore.fleet;

import dev.obd.io.FailureText;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** Opens what the kernel asks for, and remembers how that went. Thread-safe. */
final class Openings {
  private static final Logger log = LogManager.getLogger(Openings.class);
  private static final int MOST_REMEMBERED = 4096;

  /** Opens by the text of the kernel's configuration. */
  @FunctionalInterface
  interface Opener {
    OpenDevice open(String config) throws IOException;
  }

  /**
   * How the openings of one configuration went.
   *
   * @param id of the device it was last; empty if it never was one
   */
  record History(int opens, Optional<String> lastError, Optional<String> id) {
    static final History NONE = new History(0, Optional.empty(), Optional.empty());
  }

  private final Opener opener;

  /** The oldest goes first: a device that is not removed properly is forgotten at last. */
  private final Map<String, History> histories = // guarded by this
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, History> eldest) {
          return size() > MOST_REMEMBERED;
        }
      };

  Openings(Opener opener) {
    this.opener = opener;
  }

  OpenDevice open(String config) throws IOException {
    OpenDevice opened;
    try {
      opened = opener.open(config);
    } catch (IOException | RuntimeException e) {
      log.error("device.open.failed device={} reason={}", config, e.toString());
      log.debug("device.open.failed device={}", config, e);
      failed(config, e);
      throw e;
    }
    succeeded(config, opened);
    return opened;
  }

  private synchronized void failed(String config, Exception e) {
    History before = of(config);
    histories.put(config, new History(before.opens(), Optional.of(FailureText.of(e)), before.id()));
  }

  private synchronized void succeeded(String config, OpenDevice device) {
    History before = of(config);
    histories.put(
        config, new History(before.opens() + 1, before.lastError(), Optional.of(device.id())));
  }

  synchronized History of(String config) {
    return histories.getOrDefault(config, History.NONE);
  }

  /** The history of the device called {@code id}. */
  synchronized History ofDevice(String id) {
    return histories.values().stream()
        .filter(h -> h.id().equals(Optional.of(id)))
        .findFirst()
        .orElse(History.NONE);
  }

  synchronized void forget(String config) {
    histories.remove(config);
  }
}
