package dev.obd.cli;

import dev.obd.backstore.device.DeviceFrontend;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.ServiceLoader;
import picocli.CommandLine.TypeConversionException;

/** The front-ends on the class path, by the scheme of the address they are asked for. */
final class Frontends {
  private Frontends() {}

  /** The front-end for {@code where}, if it can run on this machine. */
  public static DeviceFrontend of(URI where) throws IOException {
    DeviceFrontend frontend =
        find(where.getScheme())
            .orElseThrow(() ->
                new IOException(
                    "no front-end for " + where.getScheme() + ": is obd's installation complete?"));
    Optional<String> missing = frontend.unavailableBecause(where);
    if (missing.isPresent()) {
      throw new IOException(where + ": " + missing.get());
    }
    return frontend;
  }

  /** Why {@code where} cannot be served here; empty if it can. */
  public static Optional<String> unavailableBecause(URI where) {
    Optional<DeviceFrontend> frontend = find(where.getScheme());
    return frontend.isEmpty()
        ? Optional.of("this installation has no front-end for " + where.getScheme())
        : frontend.get().unavailableBecause(where);
  }

  private static Optional<DeviceFrontend> find(String scheme) {
    for (DeviceFrontend frontend : ServiceLoader.load(DeviceFrontend.class)) {
      if (frontend.scheme().equals(scheme)) {
        return Optional.of(frontend);
      }
    }
    return Optional.empty();
  }

  /** {@code unix:PATH} or {@code tcp:HOST:PORT} as an address of the NBD front-ends. */
  static URI nbd(String text) {
    try {
      if (text.startsWith("unix:") && text.length() > 5) {
        Path socket = Path.of(text.substring(5)).toAbsolutePath();
        return new URI("nbd+unix", null, "/", "socket=" + socket, null);
      }
      if (text.startsWith("tcp:")) {
        int colon = text.lastIndexOf(':');
        String host = text.substring(4, Math.max(4, colon));
        int port = Integer.parseInt(text.substring(colon + 1));
        if (!host.isEmpty() && port >= 0 && port <= 65535) {
          return new URI("nbd", null, host.replaceAll("^\\[|]$", ""), port, "/", null, null);
        }
      }
    } catch (URISyntaxException | NumberFormatException e) {
      // reported below with what was expected
    }
    throw new TypeConversionException("expected unix:PATH or tcp:HOST:PORT, got '" + text + "'");
  }

  /** The file system of a device, mounted read-only or read-write at {@code directory}. */
  public static URI mount(Path file, Path directory, String fsType, boolean readOnly) {
    try {
      return new URI(
          "fuse",
          "",
          file.toAbsolutePath().toString(),
          "loop=1&mount="
              + directory.toAbsolutePath()
              + "&fstype="
              + fsType
              + "&ro="
              + (readOnly ? 1 : 0),
          null);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("no address for " + file + " and " + directory, e);
    }
  }
}
