package dev.obd.registry;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * {@code host[:port]/repository[:tag][@digest]}, with the defaults everybody knows: no host means
 * {@code docker.io}, there a single name means {@code library/name}, and neither tag nor digest
 * means {@code :latest}.
 *
 * @param registry host, and port if given, as written in references: {@code docker.io}
 */
public record ImageReference(
    String registry, String repository, Optional<String> tag, Optional<Digest> digest) {
  private static final String DOCKER_IO = "docker.io";
  private static final int MAX_REPOSITORY = 255; // as the reference grammar; also bounds matching
  private static final Pattern REPOSITORY =
      Pattern.compile(
          "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*");
  private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
  private static final Pattern HOST =
      Pattern.compile(
          "(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
              + "(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?){0,60}"
              + "|\\[[0-9A-Fa-f:.]{2,45}\\])(?::([0-9]{1,5}))?");

  public ImageReference {
    require(isHost(registry), "a host and perhaps a port", registry);
    require(
        repository.length() <= MAX_REPOSITORY && REPOSITORY.matcher(repository).matches(),
        "a repository of lower-case letters, digits and separators",
        repository);
    tag.ifPresent(t -> require(isTag(t), "a tag of at most 128 letters, digits, _ . -", t));
  }

  /**
   * Reads a reference, strictly.
   *
   * @throws IllegalArgumentException naming the part that is wrong
   */
  public static ImageReference parse(String text) {
    require(text.length() <= 1024, "at most 1024 characters", text);
    String rest = text;
    Optional<Digest> digest = Optional.empty();
    int at = rest.indexOf('@');
    if (at >= 0) {
      digest = Optional.of(new Digest(rest.substring(at + 1)));
      rest = rest.substring(0, at);
    }
    Optional<String> tag = Optional.empty();
    int colon = rest.lastIndexOf(':');
    if (colon > rest.lastIndexOf('/')) {
      tag = Optional.of(rest.substring(colon + 1));
      rest = rest.substring(0, colon);
    }
    int slash = rest.indexOf('/');
    String registry = DOCKER_IO;
    String repository = rest;
    if (slash >= 0 && looksLikeHost(rest.substring(0, slash))) {
      registry = rest.substring(0, slash).toLowerCase(Locale.ROOT);
      repository = rest.substring(slash + 1);
    }
    if (registry.equals("index.docker.io") || registry.equals("registry-1.docker.io")) {
      registry = DOCKER_IO;
    }
    if (registry.equals(DOCKER_IO) && repository.indexOf('/') < 0) {
      repository = "library/" + repository;
    }
    if (tag.isEmpty() && digest.isEmpty()) {
      tag = Optional.of("latest");
    }
    return new ImageReference(registry, repository, tag, digest);
  }

  /** True if {@code text} may be a tag. */
  public static boolean isTag(String text) {
    return TAG.matcher(text).matches();
  }

  /** Where the registry answers: {@code host[:port]}. */
  public String endpoint() {
    return registry.equals(DOCKER_IO) ? "registry-1.docker.io" : registry;
  }

  /** What to ask for: the digest if there is one, else the tag. */
  public String tagOrDigest() {
    return digest.map(Digest::value).or(() -> tag).orElse("latest");
  }

  /** The same repository without tag and digest: {@code registry/repository}. */
  public String repositoryName() {
    return registry + "/" + repository;
  }

  /** The canonical form: nothing left to defaults. */
  @Override
  public String toString() {
    return repositoryName()
        + tag.map(t -> ":" + t).orElse("")
        + digest.map(d -> "@" + d).orElse("");
  }

  private static boolean looksLikeHost(String first) {
    return first.indexOf('.') >= 0
        || first.indexOf(':') >= 0
        || first.startsWith("[")
        || first.toLowerCase(Locale.ROOT).equals("localhost");
  }

  private static boolean isHost(String text) {
    var matcher = HOST.matcher(text);
    if (text.length() > 300 || !matcher.matches()) {
      return false;
    }
    String port = matcher.group(1);
    if (port == null) {
      return true;
    }
    int number = Integer.parseInt(port);
    return number >= 1 && number <= 65535;
  }

  private static void require(boolean holds, String expected, String got) {
    if (!holds) {
      throw new IllegalArgumentException(
          "image reference: expected "
              + expected
              + ", got '"
              + Untrusted.printable(got, 200)
              + "'");
    }
  }
}
