package dev.obd.registry.http;

import dev.obd.registry.ImageReference;
import dev.obd.registry.auth.CredentialProvider;
import dev.obd.registry.tls.Trust;
import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the repositories of one process share: connections, tokens, pauses. Thread-safe. Close it
 * when none of its repositories is used any more.
 */
public final class RegistryClient implements Closeable {
  private final RegistryOptions options;
  private final Transport transport;
  private final Pauses pauses;
  private final Map<String, Session> sessions = new ConcurrentHashMap<>();

  /**
   * Makes no request.
   *
   * @throws IOException if a certificate or key cannot be read
   */
  public RegistryClient(RegistryOptions options) throws IOException {
    this.options = options;
    transport = new Transport(options, Trust.context(options.tls()));
    pauses = new Pauses(options.clock());
  }

  /** The repository of {@code reference}. Makes no request; closing it closes nothing shared. */
  public HttpRepository repository(ImageReference reference) {
    return repository(reference, () -> {});
  }

  /** As above; {@code onClose} runs when the repository is closed. */
  public HttpRepository repository(ImageReference reference, Runnable onClose) {
    String endpoint = reference.endpoint();
    URI base = URI.create(options.plainHttp().scheme(endpoint) + "://" + endpoint + "/v2/");
    Session session =
        sessions.computeIfAbsent(reference.repositoryName(), n -> session(reference, base));
    return new HttpRepository(reference, base, session, onClose);
  }

  private Session session(ImageReference reference, URI base) {
    var target =
        new CredentialProvider.Target(
            reference.registry(),
            reference.endpoint(),
            reference.repository(),
            base.resolve(reference.repository() + "/blobs/"));
    Origin origin = Origin.of(base);
    var authorizer = new Authorizer(transport, options, target, origin);
    return new Session(transport, authorizer, pauses, options, origin);
  }

  /** How the requests of all repositories ended. */
  public RequestCounts requests() {
    return transport.counts();
  }

  @Override
  public void close() throws IOException {
    transport.close();
  }
}
