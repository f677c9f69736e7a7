package dev.obd.cli;

import dev.obd.backstore.config.Home;
import dev.obd.cli.control.DaemonClient;
import dev.obd.cli.daemon.DaemonOptions;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which daemon is asked. */
final class ControlOptions {
  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description = "The daemon's control socket (default: run/control.sock under OBD_HOME).")
  private @Nullable Path socket;

  /** True if a daemon may be started: none that the user has named. */
  boolean isDefault() {
    return socket == null;
  }

  DaemonClient client() {
    return new DaemonClient(
        socket != null ? socket : DaemonOptions.controlSocket(Home.ofProcess()));
  }
}
