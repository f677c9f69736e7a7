package dev.obd.cli.daemon;

import dev.obd.backstore.config.Home;
import dev.obd.backstore.config.ServiceConfig;
import dev.obd.registry.Platform;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What a daemon is to be.
 *
 * @param tcmu whether devices of the kernel's target core are served: those of overlaybd's
 *     configurations, and attachments
 * @param linger after this long without devices and questions it ends; empty: never
 * @param version of obd
 */
public record DaemonOptions(
    Home home,
    ServiceConfig config,
    boolean tcmu,
    Optional<Duration> linger,
    Platform platform,
    String version) {
  /** Where its control API is. */
  public Path controlSocket() {
    return config.own().controlSocket().orElseGet(() -> controlSocket(home));
  }

  /** Where the control API of the daemon of {@code home} is, unless its configuration moves it. */
  public static Path controlSocket(Home home) {
    return home.run().resolve("control.sock");
  }
}
