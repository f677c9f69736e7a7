package dev.obd.registry.auth;

import dev.obd.registry.JsonFields;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * overlaybd's {@code cred.json}: {@code {"auths": {"<address>": {"auth": …}}}}.
 *
 * <p>An address matches a blob URL {@code https://H/v2/a/b/blobs/…} if it is {@code H}, {@code H/a}
 * or {@code H/a/b}; the first that matches in the file's order is taken, not the most specific one.
 * An entry whose {@code auth} has no colon is skipped. Source: overlaybd 063821f, {@code
 * image_service.cpp}.
 */
public final class OverlaybdCredentials implements CredentialProvider {
  private final Path path;

  /** Reads {@code path} at every question; without the file everybody is anonymous. */
  public OverlaybdCredentials(Path path) {
    this.path = path;
  }

  @Override
  public Credential find(Target target) throws IOException {
    Optional<JsonFields> file = CredentialFile.read(path);
    return file.isPresent() ? select(file.get(), target) : Credential.ANONYMOUS;
  }

  /** The matching rule, for every answer of this shape. */
  static Credential select(JsonFields answer, Target target) throws IOException {
    Optional<JsonFields> auths = answer.object("auths");
    if (auths.isEmpty()) {
      return Credential.ANONYMOUS;
    }
    String whole = target.endpoint() + "/" + target.repository();
    for (String address : auths.get().names()) {
      Optional<JsonFields> entry =
          isPrefix(address, whole) ? auths.get().object(address) : Optional.empty();
      Optional<Credential> found = entry.isPresent() ? credential(entry.get()) : Optional.empty();
      if (found.isPresent()) {
        return found.get();
      }
    }
    return Credential.ANONYMOUS;
  }

  private static boolean isPrefix(String address, String whole) {
    return !address.isEmpty()
        && whole.startsWith(address)
        && (whole.length() == address.length() || whole.charAt(address.length()) == '/');
  }

  private static Optional<Credential> credential(JsonFields entry) throws IOException {
    Optional<String> auth = entry.string("auth").filter(a -> !a.isEmpty());
    return auth.isPresent()
        ? CredentialFile.fromAuth(auth.get())
        : CredentialFile.fromUserPassword(entry);
  }
}
