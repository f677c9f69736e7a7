package dev.obd.backstore.config;

import java.nio.file.Path;
import java.util.Map;

/**
 * Where obd keeps what it keeps: {@code OBD_HOME}, else {@code /var/lib/obd} for root and {@code
 * ~/.local/share/obd} for everybody else.
 */
public record Home(Path root) {
  /** The home for this environment. */
  public static Home resolve(Map<String, String> environment, String userName, String userHome) {
    String explicit = environment.get("OBD_HOME");
    if (explicit != null && !explicit.isBlank()) {
      return new Home(Path.of(explicit).toAbsolutePath().normalize());
    }
    if (userName.equals("root")) {
      return new Home(Path.of("/var/lib/obd"));
    }
    String data = environment.get("XDG_DATA_HOME");
    Path base = data == null || data.isBlank() ? Path.of(userHome, ".local/share") : Path.of(data);
    return new Home(base.resolve("obd"));
  }

  /**
   * The home of this process. The system property {@code obd.home} goes before the environment,
   * which a running process cannot change.
   */
  public static Home ofProcess() {
    String property = System.getProperty("obd.home", "");
    if (!property.isEmpty()) {
      return new Home(Path.of(property).toAbsolutePath().normalize());
    }
    return resolve(
        System.getenv(), System.getProperty("user.name", ""), System.getProperty("user.home", "/"));
  }

  /** The local image store, an OCI image layout. */
  public Path store() {
    return root.resolve("store");
  }

  /** The blob cache. */
  public Path cache() {
    return root.resolve("cache");
  }

  /** Raw disks of images, made once and copied. */
  public Path disks() {
    return root.resolve("disks");
  }

  /** Writable layers by name. */
  public Path uppers() {
    return root.resolve("uppers");
  }

  /** Traces whose image could not be built. */
  public Path recordings() {
    return root.resolve("recordings");
  }

  /** Runs recorded on this machine, by image. */
  public Path traces() {
    return root.resolve("traces");
  }

  /** Sockets of running commands. */
  public Path run() {
    return root.resolve("run");
  }

  /** What is to be found again after a restart: records of attachments. */
  public Path state() {
    return root.resolve("state");
  }

  /** Which images are held. */
  public Path holds() {
    return state().resolve("holds");
  }

  /** Work in progress; safe to delete when nothing runs. */
  public Path temporary() {
    return root.resolve("tmp");
  }
}
