package dev.obd.registry.http;

import dev.obd.registry.BlobStore;
import dev.obd.registry.ImageReference;
import dev.obd.registry.auth.CredentialProvider;
import dev.obd.registry.tls.Trust;
import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What the repositories of one process share: connections, tokens, pauses. Thread-safe. Close it
 * when none of its repositories is used any more.
 */
public final class RegistryClient implements Closeable {
  private final RegistryOptions options;
  private final Transport transport;
  private final Pauses pauses;
  private final Accelerator accelerator;
  private final Map<String, Session> sessions = new ConcurrentHashMap<>();
  private final Map<String, Health> healths = new ConcurrentHashMap<>();

  /**
   * Makes no request.
   *
   * @throws IOException if a certificate or key cannot be read
   */
  public RegistryClient(RegistryOptions options) throws IOException {
    this.options = options;
    transport = new Transport(options, Trust.context(options.tls()));
    pauses = new Pauses(options.clock());
    accelerator = new Accelerator(options);
  }

  /** The repository of {@code reference}. Makes no request; closing it closes nothing shared. */
  public HttpRepository repository(ImageReference reference) {
    return repository(reference, () -> {});
  }

  /** As above; {@code onClose} runs when the repository is closed. */
  public HttpRepository repository(ImageReference reference, Runnable onClose) {
    String endpoint = reference.endpoint();
    return repository(reference, options.plainHttp().scheme(endpoint), onClose);
  }

  /**
   * The repository of {@code reference}, spoken to with or without TLS as {@code scheme} says.
   *
   * @throws IllegalArgumentException if plain HTTP is asked for and never allowed
   */
  public HttpRepository repository(ImageReference reference, String scheme) {
    if (scheme.equals("http") && options.plainHttp() == PlainHttp.NEVER) {
      throw new IllegalArgumentException(reference.registry() + ": plain HTTP is not allowed");
    }
    return repository(reference, scheme, () -> {});
  }

  private HttpRepository repository(ImageReference reference, String scheme, Runnable onClose) {
    var places = new ArrayList<Place>();
    for (URI mirror : options.network().mirrorsOf(reference.registry())) {
      places.add(mirror(mirror, reference));
    }
    String endpoint = reference.endpoint();
    URI base = URI.create(scheme + "://" + endpoint + "/v2/");
    places.add(place(base, reference.registry(), endpoint, reference.repository(), null));
    return new HttpRepository(reference, places, onClose);
  }

  private Place mirror(URI mirror, ImageReference reference) {
    String host = mirror.getRawAuthority();
    URI base = URI.create(mirror.getScheme() + "://" + host + "/v2/");
    String prefix = mirror.getPath() == null ? "" : mirror.getPath().replaceAll("^/+|/+$", "");
    String repository = (prefix.isEmpty() ? "" : prefix + "/") + reference.repository();
    String name = mirror.toString();
    Health health = healths.computeIfAbsent(name, n -> new Health(n, options.clock()));
    return place(base, host, host, repository, health);
  }

  private Place place(
      URI base, String registry, String endpoint, String repository, @Nullable Health health) {
    URI root = base.resolve(repository + "/");
    Session session =
        sessions.computeIfAbsent(
            registry + " " + root,
            key -> {
              var target =
                  new CredentialProvider.Target(
                      registry, endpoint, repository, root.resolve("blobs/"));
              return session(target, Origin.of(base));
            });
    return new Place(session, root, "blobs/", Scope.pull(repository), Optional.ofNullable(health));
  }

  private Session session(CredentialProvider.Target target, Origin origin) {
    var authorizer = new Authorizer(transport, options, target, origin);
    return new Session(
        transport, authorizer, pauses, accelerator, options, origin, UnaryOperator.identity());
  }

  /** How the requests of all repositories ended. */
  public RequestCounts requests() {
    return transport.counts();
  }

  /**
   * Blobs as files of a web server: {@code <address>/sha256:…}. Credentials for its host are shown
   * if it asks.
   *
   * @param address {@code http[s]://host[:port]/path}
   */
  public BlobStore files(URI address) {
    return store(address, String.valueOf(address), UnaryOperator.identity());
  }

  /** Blobs as objects of a bucket: {@code <prefix>/sha256:…}. */
  public BlobStore objects(S3Options bucket) {
    return store(bucket.root(), bucket.toString(), new S3Signer(bucket, options.clock())::sign);
  }

  private BlobStore store(URI address, String name, UnaryOperator<Call> signer) {
    URI root = URI.create(address.toString().replaceFirst("/*$", "/"));
    if (!Origin.of(root).isPlain() || options.plainHttp() != PlainHttp.NEVER) {
      String host = root.getRawAuthority();
      var target = new CredentialProvider.Target(host, host, path(root), root);
      Origin origin = Origin.of(root);
      var authorizer = new Authorizer(transport, options, target, origin);
      var session =
          new Session(transport, authorizer, pauses, accelerator, options, origin, signer);
      Scope scope = Scope.pull(path(root));
      return new HttpBlobStore(name, new Place(session, root, "", scope, Optional.empty()));
    }
    throw new IllegalArgumentException(name + ": plain HTTP is not allowed");
  }

  private static String path(URI root) {
    return root.getPath().replaceAll("^/+|/+$", "");
  }

  @Override
  public void close() throws IOException {
    transport.close();
  }
}
