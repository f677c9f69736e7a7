package dev.obd.registry;

import java.util.Locale;
import java.util.Optional;

/** What an image runs on, in Go's names: {@code linux/arm64/v8}. */
public record Platform(String os, String architecture, Optional<String> variant) {
  /** {@code os/architecture[/variant]}. */
  public static Platform parse(String text) {
    String[] parts = text.split("/", -1);
    if (parts.length < 2 || parts.length > 3 || parts[0].isEmpty() || parts[1].isEmpty()) {
      throw new IllegalArgumentException(
          "platform: expected os/architecture[/variant], got '"
              + Untrusted.printable(text, 100)
              + "'");
    }
    return new Platform(
        parts[0], parts[1], parts.length == 3 ? Optional.of(parts[2]) : Optional.empty());
  }

  /** Linux on this machine's processor: images hold Linux disks wherever this program runs. */
  public static Platform current() {
    String arch = System.getProperty("os.arch", "amd64").toLowerCase(Locale.ROOT);
    return new Platform(
        "linux",
        switch (arch) {
          case "x86_64" -> "amd64";
          case "aarch64" -> "arm64";
          case "x86", "i386", "i686" -> "386";
          default -> arch;
        },
        Optional.empty());
  }

  /**
   * How well an image made for {@code offer} suits: 0 not at all, more is better. Variants run what
   * is made for lower ones.
   */
  int suits(Platform offer) {
    if (!os.equals(offer.os) || !architecture.equals(offer.architecture)) {
      return 0;
    }
    int wanted = level(this);
    int offered = level(offer);
    return offered > wanted ? 0 : 1 + offered;
  }

  /** The number in the variant; where none is given, what Go's tools assume. */
  private static int level(Platform platform) {
    int assumed =
        switch (platform.architecture) {
          case "arm64" -> 8;
          case "arm" -> 7;
          case "amd64" -> 1;
          default -> 0;
        };
    return platform
        .variant
        .filter(v -> v.matches("v[0-9]{1,3}"))
        .map(v -> Integer.parseInt(v.substring(1)))
        .orElse(assumed);
  }

  @Override
  public String toString() {
    return os + "/" + architecture + variant.map(v -> "/" + v).orElse("");
  }
}
