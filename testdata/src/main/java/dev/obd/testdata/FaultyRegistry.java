package dev.obd.testdata;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A registry inside the test's process that can be slow, refuse and lie. It speaks HTTP/1.1 on raw
 * sockets, one virtual thread per connection, and the OCI distribution API, pull and push, plain
 * http on loopback. Thread-safe; everything may be changed while it serves.
 *
 * <pre>{@code
 * try (var registry = FaultyRegistry.with().profile(Profile.WAN).start()) {
 *   String digest = registry.putBlob("library/app", bytes);
 *   registry.fault(2, Call::isBlobRead, new Fault.Reset(1000)); // the first two reads break
 *   ...
 *   assertThat(registry.counters().requests()).isLessThan(10);
 * }
 * }</pre>
 *
 * <p>An honest registry to test against is {@link ProcessRegistry}.
 */
public final class FaultyRegistry implements AutoCloseable {
  private final Store store;
  private final Gate gate;
  private final HonestService service;
  private final FaultRules rules;
  private final Recorder recorder = new Recorder();
  private final FaultyServer registry;
  private final FaultyServer cdn;

  /**
   * Sums since the start or {@link #clearLog}.
   *
   * @param requests heads that arrived, at all origins
   * @param bytesSent of bodies
   * @param maxInFlight most requests between arrival and last byte at one time
   * @param connections accepted since the start, at all origins
   */
  public record Counters(long requests, long bytesSent, int maxInFlight, long connections) {}

  /** What kind of registry to start. Not thread-safe. */
  public static final class Builder {
    private Profile profile = Profile.INSTANT;
    private Auth auth = Auth.open();
    private @Nullable Duration redirect;
    private boolean relativeLocations;
    private boolean listsReferrers;
    private @Nullable Path directory;
    private long seed = 1;
    private int port;

    private Builder() {}

    /** The link and the host's mood. */
    public Builder profile(Profile profile) {
      this.profile = profile;
      return this;
    }

    /** Who may do what. */
    public Builder auth(Auth auth) {
      this.auth = auth;
      return this;
    }

    /**
     * Answers GETs of blobs with 307 to a second origin, whose signed URL works for {@code
     * lifetime} and which refuses an Authorization field.
     */
    public Builder redirectBlobs(Duration lifetime) {
      this.redirect = lifetime;
      return this;
    }

    /** Location fields without scheme and host; redirects then stay at the first origin. */
    public Builder relativeLocations() {
      this.relativeLocations = true;
      return this;
    }

    /** Lists what refers to a manifest, which registries before version 1.1 of OCI do not. */
    public Builder listsReferrers() {
      this.listsReferrers = true;
      return this;
    }

    /** Keeps pushed blobs as files of {@code directory} instead of in memory. */
    public Builder directory(Path directory) {
      this.directory = directory;
      return this;
    }

    /** Seed of the profile's random errors and stalls. */
    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    /** Listens on this port instead of a free one. */
    public Builder port(int port) {
      this.port = port;
      return this;
    }

    /** Starts it. */
    public FaultyRegistry start() throws IOException {
      return new FaultyRegistry(this);
    }
  }

  /** Describes a registry to start. */
  public static Builder with() {
    return new Builder();
  }

  /** Starts one without faults, delays or authentication. */
  public static FaultyRegistry start() throws IOException {
    return with().start();
  }

  private FaultyRegistry(Builder what) throws IOException {
    store = new Store(what.directory);
    gate = new Gate(what.auth);
    service =
        new HonestService(
            gate,
            new Distribution(store, what.listsReferrers),
            what.redirect,
            what.relativeLocations);
    rules = new FaultRules(what.seed);
    registry = server(HonestService.REGISTRY, what.port, what.profile);
    cdn = server(HonestService.CDN, 0, what.profile);
  }

  private FaultyServer server(String origin, int port, Profile profile) throws IOException {
    return new FaultyServer(
        origin,
        port,
        profile,
        (call, body) -> service.answer(call, body, host(), cdnHost()),
        rules,
        recorder);
  }

  // What it holds.

  /** Stores a blob; returns its digest. */
  public String putBlob(String repository, byte[] bytes) {
    String digest = Store.digest(bytes);
    store.put(repository, digest, Content.of(bytes));
    return digest;
  }

  /** Serves a file as a blob, without copying it; returns its digest. */
  public String putBlob(String repository, Path file) throws IOException {
    Content content = Content.of(file);
    String digest = Store.digest(content);
    store.put(repository, digest, content);
    return digest;
  }

  /** Serves wrong bytes under a digest: nobody checks. */
  public void putBlobAs(String repository, String digest, byte[] bytes) {
    store.put(repository, digest, Content.of(bytes));
  }

  /** Stores a manifest under its digest and, unless {@code reference} is one, under that tag. */
  public String putManifest(String repository, String reference, String mediaType, byte[] bytes) {
    return store.putManifest(repository, reference, mediaType, bytes).digest();
  }

  /** Serves an OCI image-layout directory as {@code repository}; tags are its reference names. */
  public void putLayout(String repository, Path layout) throws IOException {
    try (var blobs = Files.list(layout.resolve("blobs/sha256"))) {
      for (Path blob : (Iterable<Path>) blobs::iterator) {
        store.put(repository, "sha256:" + blob.getFileName(), Content.of(blob));
      }
    }
    JsonObject index =
        JsonParser.parseString(Files.readString(layout.resolve("index.json"))).getAsJsonObject();
    for (JsonElement element : index.getAsJsonArray("manifests")) {
      JsonObject descriptor = element.getAsJsonObject();
      String digest = descriptor.get("digest").getAsString();
      JsonObject annotations = descriptor.getAsJsonObject("annotations");
      JsonElement name =
          annotations == null ? null : annotations.get("org.opencontainers.image.ref.name");
      putManifestBlob(
          repository,
          name == null ? digest : name.getAsString(),
          digest,
          descriptor.get("mediaType").getAsString());
    }
  }

  /** A manifest that was stored as a blob; an index brings the manifests it names. */
  private void putManifestBlob(String repository, String reference, String digest, String mediaType)
      throws IOException {
    byte[] bytes = blob(digest);
    putManifest(repository, reference, mediaType, bytes);
    JsonObject json =
        JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8)).getAsJsonObject();
    if (json.has("manifests")) {
      for (JsonElement element : json.getAsJsonArray("manifests")) {
        JsonObject child = element.getAsJsonObject();
        String childDigest = child.get("digest").getAsString();
        putManifestBlob(repository, childDigest, childDigest, child.get("mediaType").getAsString());
      }
    }
  }

  /** True if a repository shows this blob. */
  public boolean hasBlob(String repository, String digest) {
    return store.blob(repository, digest) != null;
  }

  /** A stored blob's bytes, read past all faults. */
  public byte[] blob(String digest) throws IOException {
    Content content = store.blob(digest);
    if (content == null) {
      throw new IllegalArgumentException("no blob " + digest);
    }
    return content.all();
  }

  /** A stored manifest's bytes, or null. */
  public byte @Nullable [] manifest(String repository, String reference) throws IOException {
    Store.Manifest manifest = store.manifest(repository, reference);
    return manifest == null ? null : manifest.content().all();
  }

  // How it behaves.

  /** Every request that {@code when} accepts gets {@code fault}; the rule added last is first. */
  public void fault(Predicate<Call> when, Fault fault) {
    fault(Integer.MAX_VALUE, when, fault);
  }

  /** The next {@code times} requests that {@code when} accepts get {@code fault}. */
  public void fault(int times, Predicate<Call> when, Fault fault) {
    rules.add(times, when, fault);
  }

  /** No faults from now on but the profile's. */
  public void clearFaults() {
    rules.clear();
  }

  /** Another link from now on, for requests that are not being answered yet. */
  public void profile(Profile profile) {
    registry.profile(profile);
    cdn.profile(profile);
  }

  /** Resets all connections and every new one, until {@link #up}. */
  public void down() {
    registry.down(true);
    cdn.down(true);
  }

  /** Serves again, after {@link #down}. */
  public void up() {
    registry.down(false);
    cdn.down(false);
  }

  /** Resets all connections that are open now. */
  public void dropConnections() {
    registry.drop();
    cdn.drop();
  }

  /** All tokens given out so far are refused from now on. */
  public void revokeTokens() {
    gate.revoke();
  }

  // Where it is and what it saw.

  /** {@code 127.0.0.1:PORT}, the first part of a reference. */
  public String host() {
    return registry.host();
  }

  /** {@code http://127.0.0.1:PORT/}. */
  public URI uri() {
    return URI.create("http://" + host() + "/");
  }

  /** Host and port of the origin where redirects lead. */
  public String cdnHost() {
    return cdn.host();
  }

  /** Requests whose answer has ended, since the start or {@link #clearLog}, in that order. */
  public List<LoggedRequest> log() {
    return recorder.log();
  }

  /** Forgets the log and sets the counters, except that of connections, to 0. */
  public void clearLog() {
    recorder.clear();
  }

  /** The sums now. */
  public Counters counters() {
    return recorder.counters(registry.accepted() + cdn.accepted());
  }

  @Override
  public void close() throws IOException {
    registry.close();
    cdn.close();
  }
}
