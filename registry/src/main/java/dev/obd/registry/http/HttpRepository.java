package dev.obd.registry.http;

import dev.obd.registry.BlobContent;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.Document;
import dev.obd.registry.ImageIndex;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.Progress;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RemoteBlob;
import dev.obd.registry.Repository;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** A repository in a registry. Source: OCI distribution-spec 1.1. */
public final class HttpRepository implements Repository {
  private static final String ACCEPT =
      String.join(
          ", ",
          MediaTypes.OCI_MANIFEST,
          MediaTypes.OCI_INDEX,
          MediaTypes.DOCKER_MANIFEST,
          MediaTypes.DOCKER_INDEX);

  private final ImageReference reference;
  private final List<Place> places;
  private final Session session;
  private final RegistryOptions options;
  private final Scope push;
  private final TagList tags;
  private final Runnable onClose;

  /** {@code places} are read from in order; the last is the registry, where writes go. */
  HttpRepository(ImageReference reference, List<Place> places, Runnable onClose) {
    this.reference = reference;
    this.places = List.copyOf(places);
    this.session = places.getLast().session();
    this.onClose = onClose;
    options = session.options();
    push = Scope.push(reference.repository());
    tags = new TagList(session, places.getLast().pull(), uri("tags/list"));
  }

  @Override
  public String name() {
    return reference.repositoryName();
  }

  @Override
  public Optional<Descriptor> resolve(String tagOrDigest) throws IOException {
    String path = manifestPath(tagOrDigest);
    Optional<Descriptor> told =
        reading((place, limit) -> {
          Call head = Call.of("HEAD", place.uri(path)).with("Accept", ACCEPT);
          try (Answer answer = place.session().follow(head, place.pull(), limit)) {
            if (answer.status() == 404 && place.isMirror()) {
              throw Failures.of(answer, options.clock()); // the registry may have it
            }
            return switch (answer.status()) {
              case 200 -> toldByHeaders(answer);
              case 404, 405 -> Optional.empty(); // 405: some do not know HEAD
              default -> throw Failures.of(answer, options.clock());
            };
          }
        });
    if (told.isPresent()) {
      check(tagOrDigest, told.get().digest());
      return told;
    }
    try {
      return Optional.of(manifest(tagOrDigest).descriptor());
    } catch (RegistryException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Empty if the headers do not say it all. */
  private static Optional<Descriptor> toldByHeaders(Answer answer) {
    String digest = answer.header("Docker-Content-Digest").orElse("");
    String type = mediaType(answer);
    boolean complete =
        Digest.isDigest(digest)
            && answer.contentLength() > 0
            && (MediaTypes.isIndex(type) || MediaTypes.isManifest(type));
    return complete
        ? Optional.of(new Descriptor(type, new Digest(digest), answer.contentLength()))
        : Optional.empty();
  }

  @Override
  public Document manifest(String tagOrDigest) throws IOException {
    String path = manifestPath(tagOrDigest);
    return reading((place, limit) -> {
      Call get = Call.get(place.uri(path)).with("Accept", ACCEPT);
      try (Answer answer = place.session().follow(get, place.pull(), limit)) {
        expect(answer, 200);
        Document document = Document.of(mediaType(answer), answer.all(MAX_MANIFEST_BYTES));
        check(tagOrDigest, document.descriptor().digest());
        Optional<String> told = answer.header("Docker-Content-Digest");
        if (told.isPresent() && Digest.isDigest(told.get())) {
          check(told.get(), document.descriptor().digest());
        }
        return document;
      }
    });
  }

  private void check(String tagOrDigest, Digest actual) throws RegistryException {
    if (Digest.isDigest(tagOrDigest) && !tagOrDigest.equals(actual.value())) {
      throw new RegistryException(
          Kind.BAD_ANSWER,
          0,
          name() + ": manifest: expected " + tagOrDigest + ", got " + actual,
          null);
    }
  }

  @Override
  public byte[] blob(Descriptor descriptor, int maxBytes) throws IOException {
    if (descriptor.size() > maxBytes) {
      throw new RegistryException(
          Kind.REFUSED,
          0,
          "%s: %s: expected at most %d bytes, got %d"
              .formatted(name(), descriptor.digest(), maxBytes, descriptor.size()),
          null);
    }
    BlobRequests requests = requests(descriptor);
    return trying(limit -> {
      try (Answer answer = requests.from(0, limit)) {
        byte[] bytes = answer.all((int) descriptor.size());
        if (!Digest.of(bytes).equals(descriptor.digest())) {
          throw Failures.bad(answer, "digest", descriptor.digest(), Digest.of(bytes));
        }
        return bytes;
      }
    });
  }

  @Override
  public RemoteBlob open(Descriptor descriptor) {
    return new HttpBlob(requests(descriptor));
  }

  @Override
  public InputStream stream(Descriptor descriptor) {
    return new BlobStream(requests(descriptor));
  }

  @Override
  public OptionalLong blobSize(Digest digest) throws IOException {
    return reading((place, limit) -> BlobSizes.ask(place, digest, limit));
  }

  /** In the registry itself: what only a mirror has, has still to be sent. */
  @Override
  public boolean has(Digest digest) throws IOException {
    return trying(limit -> BlobSizes.ask(places.getLast(), digest, limit).isPresent());
  }

  @Override
  public void push(Descriptor descriptor, BlobContent content, Progress progress)
      throws IOException {
    if (!has(descriptor.digest())) {
      var upload =
          new BlobUpload(session, push, uri("blobs/uploads/"), descriptor, content, progress);
      upload.run(() -> has(descriptor.digest()));
    }
    progress.at(descriptor.size(), descriptor.size());
  }

  @Override
  public boolean mount(Descriptor descriptor, Repository from) throws IOException {
    if (!(from instanceof HttpRepository other)
        || !other.reference.endpoint().equals(reference.endpoint())) {
      return false;
    }
    if (other.reference.repository().equals(reference.repository())) {
      return has(descriptor.digest());
    }
    Scope scope = Scope.mount(reference.repository(), other.reference.repository());
    URI uploads = withQuery(uri("blobs/uploads/"), "mount", descriptor.digest().value());
    Call post = Call.of("POST", withQuery(uploads, "from", other.reference.repository()));
    return trying(limit -> mounted(post.with(Nothing.BODY), scope, limit));
  }

  private boolean mounted(Call post, Scope scope, Limit limit) throws IOException {
    URI unwanted;
    try (Answer answer = session.follow(post, scope, limit)) {
      if (answer.status() == 201) {
        return true;
      }
      if (answer.status() != 202) {
        RegistryException failure = Failures.of(answer, options.clock());
        if (failure.isRetryable()) {
          throw failure;
        }
        return false; // not allowed, not known: the bytes can still be sent
      }
      unwanted = session.location(answer);
    } catch (RegistryException e) {
      if (e.kind() == Kind.UNAUTHORIZED) {
        return false;
      }
      throw e;
    }
    // Instead of mounting it has begun an upload; told so, it forgets it sooner.
    try {
      session.send(Call.of("DELETE", unwanted), scope, limit).close();
    } catch (IOException e) {
      // Then it forgets it later.
    }
    return false;
  }

  @Override
  public Descriptor pushManifest(Optional<String> tag, String mediaType, byte[] bytes)
      throws IOException {
    if (bytes.length > MAX_MANIFEST_BYTES) {
      throw new RegistryException(
          Kind.REFUSED,
          0,
          "%s: manifest: expected at most %d bytes, got %d"
              .formatted(name(), MAX_MANIFEST_BYTES, bytes.length),
          null);
    }
    var descriptor = new Descriptor(mediaType, Digest.of(bytes), bytes.length);
    Call put = Call.of("PUT", manifestUri(tag.orElse(descriptor.digest().value())));
    return trying(limit -> {
      try (Answer answer = session.follow(put.with(new Bytes(mediaType, bytes)), push, limit)) {
        if (answer.status() != 201 && answer.status() != 200 && answer.status() != 202) {
          throw Failures.of(answer, options.clock());
        }
        Optional<String> told = answer.header("Docker-Content-Digest");
        if (told.isPresent() && !told.get().equals(descriptor.digest().value())) {
          throw Failures.bad(answer, "Docker-Content-Digest", descriptor.digest(), told.get());
        }
        return descriptor;
      }
    });
  }

  /** The first page: a registry that has more than fits in it is asked for no more. */
  @Override
  public Optional<ImageIndex> referrers(Digest subject) throws IOException {
    URI list = uri("referrers/" + subject.value());
    return trying(limit -> {
      Call get = Call.get(list).with("Accept", MediaTypes.OCI_INDEX);
      try (Answer answer = session.follow(get, places.getLast().pull(), limit)) {
        return switch (answer.status()) {
          case 200 -> {
            String type = mediaType(answer);
            yield MediaTypes.isIndex(type)
                ? Optional.of(ImageIndex.parse(Document.of(type, answer.all(MAX_MANIFEST_BYTES))))
                : Optional.empty(); // some answer unknown paths with a page for humans
          }
          case 400, 404, 405, 501 -> Optional.empty();
          default -> throw Failures.of(answer, options.clock());
        };
      }
    });
  }

  @Override
  public List<String> tags() throws IOException {
    return trying(tags::all);
  }

  @Override
  public boolean untag(String tag) throws IOException {
    Optional<Descriptor> named = resolve(tag);
    if (named.isEmpty()) {
      return false;
    }
    if (delete(manifestUri(tag))) {
      return true;
    }
    // This registry deletes images only, with every tag they have.
    Digest digest = named.get().digest();
    for (String other : tags()) {
      if (!other.equals(tag) && resolve(other).filter(d -> d.digest().equals(digest)).isPresent()) {
        throw new RegistryException(
            Kind.REFUSED,
            0,
            "%s: tag %s cannot be removed alone: the registry deletes whole images only, and tag %s is the same image (%s)"
                .formatted(name(), tag, other, digest),
            null);
      }
    }
    if (!delete(manifestUri(digest.value()))) {
      throw new RegistryException(
          Kind.REFUSED, 405, name() + ": the registry does not allow deletion", null);
    }
    return true;
  }

  /** False if the registry does not do that. */
  private boolean delete(URI manifest) throws IOException {
    Scope scope = Scope.delete(reference.repository());
    return trying(limit -> {
      try (Answer answer = session.follow(Call.of("DELETE", manifest), scope, limit)) {
        return switch (answer.status()) {
          case 200, 202, 204 -> true;
          case 400, 404, 405, 501 -> false;
          default -> throw Failures.of(answer, options.clock());
        };
      }
    });
  }

  @Override
  public void close() {
    onClose.run();
  }

  private interface Try<T> {
    T within(Limit limit) throws IOException;
  }

  private <T> T trying(Try<T> what) throws IOException {
    Limit limit = Limit.after(options.clock(), options.patience());
    var attempts = new Attempts(limit, options.attempts(), options.jitter());
    while (true) {
      try {
        return what.within(limit);
      } catch (IOException e) {
        attempts.failed(e);
      }
    }
  }

  private <T> T reading(Place.Question<T> question) throws IOException {
    return trying(limit -> Place.first(places, limit, question));
  }

  private BlobRequests requests(Descriptor descriptor) {
    return new BlobRequests(places, descriptor);
  }

  private void expect(Answer answer, int status) throws RegistryException {
    if (answer.status() != status) {
      throw Failures.of(answer, options.clock());
    }
  }

  private static String mediaType(Answer answer) {
    String type = answer.header("Content-Type").orElse("");
    int parameters = type.indexOf(';');
    return (parameters < 0 ? type : type.substring(0, parameters)).strip();
  }

  private URI manifestUri(String tagOrDigest) {
    return uri(manifestPath(tagOrDigest));
  }

  private static String manifestPath(String tagOrDigest) {
    if (!Digest.isDigest(tagOrDigest) && !ImageReference.isTag(tagOrDigest)) {
      throw new IllegalArgumentException("expected a tag or a digest, got '" + tagOrDigest + "'");
    }
    return "manifests/" + tagOrDigest;
  }

  private URI uri(String rest) {
    return places.getLast().uri(rest);
  }

  /** {@code uri} with one more parameter. */
  static URI withQuery(URI uri, String name, String value) {
    String text = uri.toString();
    String escaped = value.replace(":", "%3A").replace("/", "%2F");
    return URI.create(text + (text.indexOf('?') < 0 ? "?" : "&") + name + "=" + escaped);
  }

  /** A manifest as a request's body. */
  @SuppressWarnings("ArrayRecordComponent") // sent, never compared
  private record Bytes(String contentType, byte[] bytes) implements Call.Body {
    @Override
    public long length() {
      return bytes.length;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      out.write(bytes);
    }
  }

  /** The empty body a POST has. */
  private enum Nothing implements Call.Body {
    BODY;

    @Override
    public String contentType() {
      return "application/octet-stream";
    }

    @Override
    public long length() {
      return 0;
    }

    @Override
    public void writeTo(OutputStream out) {}
  }
}
