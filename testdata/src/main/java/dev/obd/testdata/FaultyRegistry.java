package dev.obd.testdata;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
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
  private static final String REGISTRY = "registry";
  private static final String CDN = "cdn";

  private final Store store;
  private final Distribution distribution;
  private final Gate gate;
  private final SignedUrls urls = new SignedUrls();
  private final @Nullable Duration redirect;
  private final boolean relativeLocations;
  private final SplittableRandom random;
  private final Connections registryPort;
  private final Connections cdnPort;

  private final List<Rule> rules = new CopyOnWriteArrayList<>();
  private final Map<String, AtomicInteger> attempts = new ConcurrentHashMap<>();
  private final List<LoggedRequest> log = Collections.synchronizedList(new ArrayList<>());
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong bytesSent = new AtomicLong();
  private final AtomicInteger inFlight = new AtomicInteger();
  private final AtomicInteger maxInFlight = new AtomicInteger();
  private volatile Link registryLink;
  private volatile Link cdnLink;
  private volatile boolean down;

  /**
   * Sums since the start or {@link #clearLog}.
   *
   * @param requests heads that arrived, at all origins
   * @param bytesSent of bodies
   * @param maxInFlight most requests between arrival and last byte at one time
   * @param connections accepted since the start, at all origins
   */
  public record Counters(long requests, long bytesSent, int maxInFlight, long connections) {}

  private record Rule(Predicate<Call> when, Fault fault, AtomicInteger left) {
    boolean take(Call call) {
      return left.get() > 0 && when.test(call) && left.getAndDecrement() > 0;
    }
  }

  /** What kind of registry to start. Not thread-safe. */
  public static final class Builder {
    private Profile profile = Profile.INSTANT;
    private Auth auth = Auth.open();
    private @Nullable Duration redirect;
    private boolean relativeLocations;
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
    distribution = new Distribution(store);
    gate = new Gate(what.auth);
    redirect = what.redirect;
    relativeLocations = what.relativeLocations;
    random = new SplittableRandom(what.seed);
    registryLink = Link.of(what.profile);
    cdnLink = Link.of(what.profile);
    registryPort = new Connections(what.port, connection -> serve(REGISTRY, connection));
    cdnPort = new Connections(0, connection -> serve(CDN, connection));
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
    rules.addFirst(new Rule(when, fault, new AtomicInteger(times)));
  }

  /** No faults from now on but the profile's. */
  public void clearFaults() {
    rules.clear();
  }

  /** Another link from now on, for requests that are not being answered yet. */
  public void profile(Profile profile) {
    registryLink = Link.of(profile);
    cdnLink = Link.of(profile);
  }

  /** Resets all connections and every new one, until {@link #up}. */
  public void down() {
    down = true;
    dropConnections();
  }

  /** Serves again, after {@link #down}. */
  public void up() {
    down = false;
  }

  /** Resets all connections that are open now. */
  public void dropConnections() {
    registryPort.drop();
    cdnPort.drop();
  }

  /** All tokens given out so far are refused from now on. */
  public void revokeTokens() {
    gate.revoke();
  }

  // Where it is and what it saw.

  /** {@code 127.0.0.1:PORT}, the first part of a reference. */
  public String host() {
    return "127.0.0.1:" + registryPort.port();
  }

  /** {@code http://127.0.0.1:PORT/}. */
  public URI uri() {
    return URI.create("http://" + host() + "/");
  }

  /** Host and port of the origin where redirects lead. */
  public String cdnHost() {
    return "127.0.0.1:" + cdnPort.port();
  }

  /** Requests whose answer has ended, since the start or {@link #clearLog}, in that order. */
  public List<LoggedRequest> log() {
    synchronized (log) {
      return List.copyOf(log);
    }
  }

  /** Forgets the log and sets the counters, except that of connections, to 0. */
  public void clearLog() {
    log.clear();
    requests.set(0);
    bytesSent.set(0);
    maxInFlight.set(inFlight.get());
  }

  /** The sums now. */
  public Counters counters() {
    return new Counters(
        requests.get(),
        bytesSent.get(),
        maxInFlight.get(),
        registryPort.accepted() + cdnPort.accepted());
  }

  @Override
  public void close() throws IOException {
    registryPort.close();
    cdnPort.close();
  }

  // Serving.

  private void serve(String origin, Socket connection) throws IOException {
    Link link = link(origin);
    TokenBucket.sleepUntil(System.nanoTime() + link.profile().connectLatency().toNanos());
    TokenBucket own = TokenBucket.of(link.profile().bytesPerSecondPerConnection());
    var in = new HttpInput(connection.getInputStream());
    boolean more = true;
    while (more) {
      if (down) {
        Connections.reset(connection);
        return;
      }
      String start = in.startLine();
      if (start == null) {
        return;
      }
      more = exchange(origin, start, in, connection, own);
    }
  }

  private Link link(String origin) {
    return origin.equals(CDN) ? cdnLink : registryLink;
  }

  private boolean exchange(
      String port, String start, HttpInput in, Socket connection, @Nullable TokenBucket own)
      throws IOException {
    long arrived = System.nanoTime();
    Map<String, String> headers = in.headers();
    String[] request = start.split(" ", 3);
    if (request.length < 3) {
      throw new IOException("not a request line: " + start);
    }
    Call call = call(port, request[0], request[1], headers);
    maxInFlight.accumulateAndGet(inFlight.incrementAndGet(), Math::max);
    Link link = link(port);
    var status = new int[1];
    Fault fault = fault(call, link.profile());
    var delivery = new Delivery(connection, in, fault, link.down(), own);
    var logged = new AtomicBoolean();
    Runnable write =
        () -> {
          if (!logged.getAndSet(true)) {
            bytesSent.addAndGet(delivery.sent());
            log.add(entry(arrived, call, request[1], headers, status[0], delivery.sent()));
            inFlight.decrementAndGet();
          }
        };
    try {
      if (fault instanceof Fault.Delay delay) {
        TokenBucket.sleepUntil(arrived + delay.by().toNanos());
      }
      if (isNoHttp(fault, connection)) {
        return false;
      }
      if (headers.containsKey("expect")) {
        connection.getOutputStream().write(ascii("HTTP/1.1 100 Continue\r\n\r\n"));
      }
      InputStream body = link.paced(in.body(headers));
      Reply reply = reply(call, body, fault);
      body.transferTo(OutputStream.nullOutputStream());
      TokenBucket.sleepUntil(arrived + link.profile().latency().toNanos());
      status[0] = reply.status;
      // Logged before the client can know the end, so that a test finds all it caused in the log.
      boolean more = delivery.send(reply, call.method().equals("HEAD"), write);
      return more && !"close".equalsIgnoreCase(headers.get("connection"));
    } finally {
      write.run();
    }
  }

  private static LoggedRequest entry(
      long arrived, Call call, String target, Map<String, String> headers, int status, long sent) {
    return new LoggedRequest(
        arrived, System.nanoTime(), call.origin(), call.method(), target, headers, status, sent);
  }

  private Call call(String port, String method, String target, Map<String, String> headers)
      throws IOException {
    URI uri;
    try {
      uri = URI.create(target);
    } catch (IllegalArgumentException e) {
      throw new IOException("not a request target: " + target, e);
    }
    String path = uri.getPath();
    String origin = path.equals("/token") ? "token" : port;
    String key = origin + method + path + headers.get("range");
    int attempt = attempts.computeIfAbsent(key, k -> new AtomicInteger()).getAndIncrement();
    return new Call(
        origin,
        method,
        path,
        Queries.parse(uri.getRawQuery()),
        headers,
        attempt,
        requests.getAndIncrement());
  }

  private @Nullable Fault fault(Call call, Profile profile) {
    for (Rule rule : rules) {
      if (rule.take(call)) {
        return rule.fault;
      }
    }
    if (profile.errorRate() == 0 && profile.stallRate() == 0) {
      return null;
    }
    synchronized (random) {
      double dice = random.nextDouble();
      if (dice < profile.errorRate()) {
        return new Fault.Status(503);
      }
      return dice < profile.errorRate() + profile.stallRate()
          ? new Fault.Delay(profile.stall())
          : null;
    }
  }

  /** Carries out faults that end a connection without an answer; true if it was one. */
  private static boolean isNoHttp(@Nullable Fault fault, Socket connection) throws IOException {
    OutputStream out = connection.getOutputStream();
    switch (fault) {
      case Fault.Dropped dropped -> {
        return true;
      }
      case Fault.Garbage garbage -> {
        out.write(garbage.raw());
        return true;
      }
      case Fault.EndlessHead endless -> {
        out.write(ascii("HTTP/1.1 200 OK\r\n"));
        for (long i = 0; ; i++) { // until the client has had enough and closes
          out.write(ascii("X-Field-" + i + ": " + "x".repeat(1000) + "\r\n"));
        }
      }
      case null, default -> {
        return false;
      }
    }
  }

  private Reply reply(Call call, InputStream body, @Nullable Fault fault) throws IOException {
    if (fault instanceof Fault.Status status) {
      Reply reply = Reply.error(status.code(), "FAULT", "as the test ordered");
      status.headers().forEach(reply::with);
      return reply;
    }
    Call seen = Distortion.of(call, fault);
    return Distortion.of(honest(seen, body), fault);
  }

  private Reply honest(Call call, InputStream body) throws IOException {
    if (call.isToken()) {
      return gate.token(call);
    }
    if (SignedUrls.matches(call.path())) {
      Reply refusal = urls.refuse(call);
      return refusal != null ? refusal : distribution.answer(at(call), body);
    }
    if (call.origin().equals(CDN)) {
      return Reply.error(404, "NOT_FOUND", call.path());
    }
    Reply refusal = gate.refuse(call, host());
    if (refusal != null) {
      return refusal;
    }
    Reply reply = distribution.answer(call, body);
    if (redirect != null && call.isBlobRead() && reply.status < 300) {
      String url = urls.sign(call.path(), redirect);
      return new Reply(307).with("Location", relativeLocations ? url : "http://" + cdnHost() + url);
    }
    String location = reply.headers.get("Location");
    if (location != null && !relativeLocations) {
      reply.with("Location", "http://" + host() + location);
    }
    return reply;
  }

  private static Call at(Call signed) {
    return new Call(
        signed.origin(),
        signed.method(),
        SignedUrls.target(signed.path()),
        Map.of(),
        signed.headers(),
        signed.attempt(),
        signed.number());
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
