package dev.obd.registry.auth;

import dev.obd.registry.JsonFields;
import dev.obd.registry.RegistryException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Docker's {@code config.json}: a helper named for the registry in {@code credHelpers}, else {@code
 * credsStore}, else {@code auths}. In {@code auths} the most specific address wins; addresses may
 * be written as URLs.
 */
public final class DockerCredentials implements CredentialProvider {
  private static final String DOCKER_IO = "docker.io";
  private static final String DOCKER_IO_ADDRESS = "https://index.docker.io/v1/";

  private final Path path;
  private final CredentialHelper helper;

  /** Reads {@code path} at every question; without the file everybody is anonymous. */
  public DockerCredentials(Path path, CredentialHelper helper) {
    this.path = path;
    this.helper = helper;
  }

  /** The file docker itself would read. */
  public static Path defaultPath(Map<String, String> environment, Path home) {
    String directory = environment.getOrDefault("DOCKER_CONFIG", "");
    return (directory.isEmpty() ? home.resolve(".docker") : Path.of(directory))
        .resolve("config.json");
  }

  @Override
  public Credential find(Target target) throws IOException {
    Optional<JsonFields> file = CredentialFile.read(path);
    if (file.isEmpty()) {
      return Credential.ANONYMOUS;
    }
    Optional<String> named = helperFor(file.get(), target);
    if (named.isPresent()) {
      String address = target.registry().equals(DOCKER_IO) ? DOCKER_IO_ADDRESS : target.registry();
      Credential found = helper.get(named.get(), address);
      if (!(found instanceof Credential.Anonymous)) {
        return found;
      }
    }
    return fromAuths(file.get(), target);
  }

  private static Optional<String> helperFor(JsonFields file, Target target)
      throws RegistryException {
    Map<String, String> helpers = file.stringMap("credHelpers");
    for (String address : addresses(target)) {
      String named = helpers.get(address);
      if (named != null) {
        return Optional.of(named);
      }
    }
    return file.string("credsStore").filter(name -> !name.isEmpty());
  }

  private static Credential fromAuths(JsonFields file, Target target) throws IOException {
    Optional<JsonFields> auths = file.object("auths");
    if (auths.isEmpty()) {
      return Credential.ANONYMOUS;
    }
    for (String wanted : addresses(target)) {
      for (String address : auths.get().names()) {
        if (plain(address).equals(wanted)) {
          Optional<JsonFields> entry = auths.get().object(address);
          Optional<Credential> found =
              entry.isPresent() ? credential(entry.get()) : Optional.empty();
          if (found.isPresent()) {
            return found.get();
          }
        }
      }
    }
    return Credential.ANONYMOUS;
  }

  /** What an entry for {@code target} may be called, most specific first. */
  private static List<String> addresses(Target target) {
    var all = new ArrayList<String>();
    String whole = target.registry() + "/" + target.repository();
    for (int end = whole.length(); end > 0; end = whole.lastIndexOf('/', end - 1)) {
      all.add(whole.substring(0, end));
    }
    if (target.registry().equals(DOCKER_IO)) {
      all.addAll(List.of(DOCKER_IO_ADDRESS, "index.docker.io", "registry-1.docker.io"));
    }
    return all;
  }

  /** Without scheme and API version: {@code https://host/v1/} is {@code host}. */
  private static String plain(String address) {
    String text = address.replaceFirst("^https?://", "");
    return text.replaceFirst("/(v1|v2)?/?$", "");
  }

  private static Optional<Credential> credential(JsonFields entry) throws IOException {
    Optional<String> identity = entry.string("identitytoken").filter(t -> !t.isEmpty());
    if (identity.isPresent()) {
      return Optional.of(new Credential.IdentityToken(identity.get()));
    }
    Optional<String> bearer = entry.string("registrytoken").filter(t -> !t.isEmpty());
    if (bearer.isPresent()) {
      return Optional.of(new Credential.BearerToken(bearer.get()));
    }
    Optional<String> auth = entry.string("auth").filter(a -> !a.isEmpty());
    return auth.isPresent()
        ? CredentialFile.fromAuth(auth.get())
        : CredentialFile.fromUserPassword(entry);
  }
}
