package dev.obd.cli;

import dev.obd.backstore.config.Home;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where this process itself serves an image for as long as it runs. */
final class ServingOptions {
  @Option(
      names = "--nbd",
      paramLabel = "unix:PATH|tcp:HOST:PORT",
      description = "Serve it over NBD there. May be given more than once.")
  private List<String> nbd = new ArrayList<>();

  @Option(names = "--mount", paramLabel = "DIR", description = "Mount its file system there.")
  private @Nullable Path mount;

  @Option(
      names = "--fstype",
      paramLabel = "TYPE",
      description = "The file system's type (default ${DEFAULT-VALUE}).")
  private String fsType = "ext4";

  /** None was given. */
  boolean nowhere() {
    return nbd.isEmpty() && mount == null;
  }

  /**
   * What was given.
   *
   * @throws picocli.CommandLine.TypeConversionException if an address is none
   */
  Places places() {
    return new Places(
        nbd.stream().map(Frontends::nbd).toList(), Optional.ofNullable(mount), fsType);
  }

  /**
   * Places to serve one image at.
   *
   * @param nbd addresses of NBD front-ends
   * @param mount where its file system is to be mounted
   */
  record Places(List<URI> nbd, Optional<Path> mount, String fsType) {
    /** An address for each; a mounted disk's file is one of this process, under {@code home}. */
    List<URI> addresses(Home home, boolean readOnly) throws IOException {
      List<URI> addresses = new ArrayList<>(nbd);
      if (mount.isPresent()) {
        Path file =
            Files.createDirectories(home.run()).resolve("disk-" + ProcessHandle.current().pid());
        addresses.add(Frontends.mount(file, mount.get(), fsType, readOnly));
      }
      return addresses;
    }
  }
}
