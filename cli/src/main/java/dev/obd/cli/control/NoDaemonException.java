package dev.obd.cli.control;

import java.io.IOException;
import java.nio.file.Path;

/** Nobody listens on the control socket. */
public final class NoDaemonException extends IOException {
  private static final long serialVersionUID = 1;

  NoDaemonException(Path socket, IOException cause) {
    super(
        "no daemon answers on "
            + socket
            + ": start one with 'obd daemon', or attach something with 'obd attach'",
        cause);
  }
}
