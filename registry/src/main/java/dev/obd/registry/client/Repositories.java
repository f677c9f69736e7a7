package dev.obd.registry.client;

import dev.obd.registry.BlobStore;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.Repository;
import dev.obd.registry.Untrusted;
import dev.obd.registry.http.RegistryClient;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.registry.http.RequestCounts;
import dev.obd.registry.http.S3Keys;
import dev.obd.registry.http.S3Options;
import dev.obd.registry.layout.BlobDirectory;
import dev.obd.registry.layout.OciLayout;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Opens repositories by what users write: {@code oci:DIR[:tag|@digest]} for an image-layout
 * directory, anything else is a reference into a registry. All repositories of one instance share
 * connections and tokens. Thread-safe.
 */
public final class Repositories implements Closeable {
  private static final String LAYOUT = "oci:";

  private final RegistryOptions options;
  private final RegistryClient client;

  /**
   * Makes no request.
   *
   * @throws IOException if a certificate or key cannot be read
   */
  public Repositories(RegistryOptions options) throws IOException {
    this.options = options;
    client = new RegistryClient(options);
  }

  /**
   * Opens one repository that owns its connections: closing it closes them.
   *
   * @throws IllegalArgumentException if {@code source} is neither a layout nor a reference
   */
  public static Opened open(String source, RegistryOptions options) throws IOException {
    if (source.startsWith(LAYOUT)) {
      return layout(source.substring(LAYOUT.length()), options);
    }
    ImageReference reference = ImageReference.parse(source);
    var client = new RegistryClient(options);
    return opened(client.repository(reference, () -> close(client)), reference);
  }

  /**
   * Opens one repository on the shared connections. Reads nothing but, for a layout without tag,
   * its index.
   *
   * @throws IllegalArgumentException if {@code source} is neither a layout nor a reference
   */
  public Opened open(String source) throws IOException {
    if (source.startsWith(LAYOUT)) {
      return layout(source.substring(LAYOUT.length()), options);
    }
    ImageReference reference = ImageReference.parse(source);
    return opened(client.repository(reference), reference);
  }

  /** The repository of a reference. */
  public Repository repository(ImageReference reference) {
    return client.repository(reference);
  }

  /**
   * The blobs that overlaybd's {@code repoBlobUrl} names: {@code
   * scheme://host/v2/<repository>/blobs} is a repository, and its scheme says whether TLS is
   * spoken; other {@code http[s]://} addresses are folders of a web server; {@code
   * s3://bucket/prefix} is an object store ({@link S3Options}), whose keys come from the
   * environment; {@code dir:/path}, {@code file:///path} and {@code /path} are directories.
   *
   * @throws IllegalArgumentException if it is none of these
   */
  public BlobStore blobs(String url) {
    if (url.startsWith("/") || url.startsWith("dir:/")) {
      return new BlobDirectory(path(url.substring(url.indexOf('/'))));
    }
    URI uri = URI.create(url);
    String scheme = String.valueOf(uri.getScheme());
    if (scheme.equals("file") && uri.getPath() != null) {
      return new BlobDirectory(path(uri.getPath()));
    }
    if (scheme.equals("s3")) {
      return client.objects(S3Options.parse(url, () -> S3Keys.ofEnvironment(System.getenv())));
    }
    if (!scheme.matches("https?") || uri.getHost() == null || uri.getUserInfo() != null) {
      throw new IllegalArgumentException(
          "blobs: expected http[s]://host/v2/<repository>/blobs, http[s]://host/path, s3://bucket or"
              + " dir:/path, got '"
              + Untrusted.printable(url, 200)
              + "'");
    }
    String path = uri.getPath().replaceAll("/+$", "");
    if (path.startsWith("/v2/") && path.endsWith("/blobs") && path.length() > 10) {
      String repository = path.substring("/v2/".length(), path.length() - "/blobs".length());
      ImageReference reference = ImageReference.parse(uri.getAuthority() + "/" + repository);
      return client.repository(reference, scheme);
    }
    return client.files(uri);
  }

  private static Opened opened(Repository repository, ImageReference reference) {
    String wanted = reference.tagOrDigest();
    return new Opened(repository, Optional.of(wanted), wanted);
  }

  private static Opened layout(String text, RegistryOptions options) throws IOException {
    String directory = text;
    Optional<String> named = Optional.empty();
    int at = text.lastIndexOf("@sha256:");
    int colon = text.lastIndexOf(':');
    if (at >= 0) {
      named = Optional.of(new Digest(text.substring(at + 1)).value());
      directory = text.substring(0, at);
    } else if (colon > text.lastIndexOf('/')) {
      named = Optional.of(text.substring(colon + 1));
      directory = text.substring(0, colon);
      if (!ImageReference.isTag(named.get())) {
        throw new IllegalArgumentException(
            "oci layout: expected a tag, got '" + Untrusted.printable(named.get(), 150) + "'");
      }
    }
    OciLayout layout = new OciLayout(path(directory), options.clock());
    return new Opened(layout, named, named.isPresent() ? named.get() : only(layout));
  }

  private static Path path(String directory) {
    try {
      if (!directory.isEmpty()) {
        return Path.of(directory);
      }
    } catch (InvalidPathException e) {
      // Reported below, like no path at all.
    }
    throw new IllegalArgumentException(
        "oci layout: expected a directory, got '" + Untrusted.printable(directory, 200) + "'");
  }

  /** Without a tag the only image there is, if there is one only. */
  private static String only(OciLayout layout) throws IOException {
    List<OciLayout.Entry> all = layout.list();
    return all.size() == 1
        ? all.get(0).tag().orElse(all.get(0).descriptor().digest().value())
        : "latest";
  }

  private static void close(RegistryClient client) {
    try {
      client.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How requests over the shared connections ended. */
  public RequestCounts requests() {
    return client.requests();
  }

  @Override
  public void close() throws IOException {
    client.close();
  }
}
