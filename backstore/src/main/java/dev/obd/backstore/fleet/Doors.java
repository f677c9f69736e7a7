package dev.obd.backstore.fleet;

import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Handling;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Which doors this process has, and how they are asked. */
final class Doors {
  /**
   * A door to use.
   *
   * @param passedOver the better ones, and why they were not taken
   */
  record Choice(Door door, List<String> passedOver) {}

  private final List<DeviceFrontend> frontends;
  private final Optional<Handling> tcmu;
  private final String noTcmu;

  /**
   * Doors by what serves them.
   *
   * @param noTcmu why there is no {@code tcmu}; unused if there is
   */
  Doors(List<DeviceFrontend> frontends, Optional<Handling> tcmu, String noTcmu) {
    this.frontends = frontends;
    this.tcmu = tcmu;
    this.noTcmu = noTcmu;
  }

  List<DoorStatus> status() {
    List<DoorStatus> all = new ArrayList<>();
    for (Door door : Door.values()) {
      all.add(new DoorStatus(door, unavailableBecause(door)));
    }
    return all;
  }

  private Optional<String> unavailableBecause(Door door) {
    if (door == Door.TCMU) {
      return tcmu.isPresent() ? Optional.empty() : Optional.of(noTcmu);
    }
    @Nullable DeviceFrontend frontend = find(door);
    return frontend == null
        ? Optional.of("this installation has no front-end for it")
        : frontend.unavailableBecause();
  }

  /** The one that is wanted, or the best. */
  Choice choose(Optional<Door> wanted) throws FleetException {
    if (wanted.isPresent()) {
      Optional<String> missing = unavailableBecause(wanted.get());
      if (missing.isPresent()) {
        throw new FleetException(
            FleetException.Kind.UNSUPPORTED, wanted.get().label() + ": " + missing.get());
      }
      return new Choice(wanted.get(), List.of());
    }
    List<String> passedOver = new ArrayList<>();
    for (Door door : Door.values()) {
      Optional<String> missing = unavailableBecause(door);
      if (missing.isEmpty()) {
        return new Choice(door, passedOver);
      }
      passedOver.add(door.label() + ": " + missing.get());
    }
    throw new FleetException(
        FleetException.Kind.UNSUPPORTED,
        "this machine has no way to a device: " + String.join("; ", passedOver));
  }

  /** The handler's way, for an attachment that was made by it. */
  Handling tcmu() throws FleetException {
    return tcmu.orElseThrow(
        () -> new FleetException(FleetException.Kind.UNSUPPORTED, "tcmu: " + noTcmu));
  }

  Optional<Handling> handling() {
    return tcmu;
  }

  DeviceFrontend frontend(Door door) throws FleetException {
    @Nullable DeviceFrontend found = find(door);
    if (found == null) {
      throw new FleetException(
          FleetException.Kind.UNSUPPORTED,
          door.label() + ": this installation has no front-end for it");
    }
    return found;
  }

  private @Nullable DeviceFrontend find(Door door) {
    return frontends.stream()
        .filter(f -> f.scheme().equals(door.scheme()))
        .findFirst()
        .orElse(null);
  }

  /** What a door's front-end is asked for; empty where there is none. */
  String where(Attachment a, Path file, boolean readOnly) throws IOException {
    return switch (a.door()) {
      case TCMU -> "";
      case UBLK -> a.door().scheme() + ":///" + encoded(a.name());
      // How long an answer may take is the device's matter: the kernel's client would give its
      // server up, and with it the device.
      case NBD -> a.door().scheme() + ":///?timeout=0";
      case FUSE -> fuse(a, file, readOnly);
    };
  }

  private String fuse(Attachment a, Path file, boolean readOnly) throws IOException {
    String path = encoded(file.toString()).replace("%2F", "/");
    String plain = "fuse://" + path + "?ro=" + (readOnly ? 1 : 0);
    if (a.mount().isPresent()) {
      return plain
          + "&loop=1&mount="
          + encoded(a.mount().get().toString())
          + "&fstype="
          + encoded(a.fsType())
          + "&options="
          + encoded(a.mountOptions());
    }
    // A device node if this process may make one, else the file is what there is.
    String loop = plain + "&loop=1";
    return frontend(Door.FUSE).unavailableBecause(URI.create(loop)).isEmpty() ? loop : plain;
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
