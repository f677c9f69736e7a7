package dev.obd.registry.auth;

import dev.obd.registry.JsonFields;
import dev.obd.registry.RegistryException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;

/** What the credential files of docker and overlaybd have in common. */
final class CredentialFile {
  private static final int MAX_BYTES = 4 << 20;

  private CredentialFile() {}

  /** The file's JSON; empty if there is no such file. */
  static Optional<JsonFields> read(Path path) throws IOException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(path)) {
      bytes = in.readNBytes(MAX_BYTES + 1);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    if (bytes.length > MAX_BYTES) {
      throw new IOException(path + ": expected at most " + MAX_BYTES + " bytes");
    }
    return Optional.of(JsonFields.parse(path.toString(), bytes));
  }

  /** {@code base64(user:password)}; empty if it is neither. */
  static Optional<Credential> fromAuth(String auth) {
    String pair;
    try {
      pair = new String(Base64.getMimeDecoder().decode(auth), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    int colon = pair.indexOf(':');
    if (colon < 0) {
      return Optional.empty();
    }
    // docker pads some passwords with NUL bytes.
    String password = pair.substring(colon + 1).replaceAll("\0+$", "");
    return Optional.of(new Credential.UserPassword(pair.substring(0, colon), password));
  }

  /** {@code username} and {@code password}; empty if there is no user name. */
  static Optional<Credential> fromUserPassword(JsonFields entry) throws RegistryException {
    Optional<String> user = entry.string("username").filter(u -> !u.isEmpty());
    String password = entry.string("password").orElse("");
    return user.map(u -> new Credential.UserPassword(u, password));
  }
}
