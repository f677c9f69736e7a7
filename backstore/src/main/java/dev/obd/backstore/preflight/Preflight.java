package dev.obd.backstore.preflight;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImageOpener;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.image.LayerOrigin;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.preflight.Check.Found;
import dev.obd.backstore.preflight.Check.Verdict;
import dev.obd.backstore.store.ImageStore;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.io.BlockSource;
import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import dev.obd.registry.Descriptor;
import dev.obd.registry.ImageReference;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RequestListener.Exchange;
import dev.obd.registry.auth.Credential;
import dev.obd.registry.auth.CredentialProvider;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether an image can be served from here, and how well. Each check has its own time; one
 * that fails ends it, because the later ones need what it looks at. Makes a few requests and reads
 * some MiB, keeps nothing. For one use.
 */
public final class Preflight {
  /**
   * What is looked at, and how.
   *
   * @param images finds the image
   * @param patience of each check
   * @param executor runs the checks, each on a thread that may be left behind
   */
  public record Context(
      ImageStore images,
      ImagePlans plans,
      ImageOpener opener,
      BlobCache cache,
      CacheConfig cacheConfig,
      CredentialProvider credentials,
      RegistryClock clock,
      Ticker ticker,
      Duration patience,
      ExecutorService executor) {}

  private static final Duration SKEW_WARNING = Duration.ofSeconds(30);
  private static final Duration SKEW_FAILURE = Duration.ofMinutes(5);
  private static final Duration FAR = Duration.ofMillis(150);
  private static final int RANGE_BYTES = 512;
  private static final double SLOW_BYTES_PER_SECOND = 1 << 20;

  private final Context context;
  private final Consumer<Check> listener;
  private final List<Check> checks = new ArrayList<>();
  private final Exchanges exchanges = new Exchanges();

  // Written by one check, read by later ones.
  private volatile boolean anonymous = true;
  private volatile @Nullable LoadedImage image;
  private volatile @Nullable ImagePlan plan;

  /**
   * @param listener told of each check as soon as it is done
   */
  public Preflight(Context context, Consumer<Check> listener) {
    this.context = context;
    this.listener = listener;
  }

  /**
   * Runs all checks of {@code source}: an image, a configuration or a layer file.
   *
   * @throws IllegalArgumentException if it is none of these
   */
  public List<Check> run(String source) throws InterruptedException {
    boolean file = !source.startsWith("oci:") && Files.isRegularFile(Path.of(source));
    Optional<ImageReference> reference =
        source.startsWith("oci:") || file
            ? Optional.empty()
            : Optional.of(ImageReference.parse(source));
    boolean go =
        reference.isEmpty()
            || (check("credentials", () -> credentials(reference.get()))
                && check("manifest", () -> manifest(reference.get()))
                && (exchanges.size() == 0 || check("clock", this::clock)));
    go = go && check("layers", () -> layers(source));
    Optional<LayerOrigin> remote = largestRemote();
    if (go && remote.isPresent()) {
      go = check("ranges", () -> ranges(remote.get())) && check("speed", () -> speed(remote.get()));
    }
    if (go && check("open", this::open)) {
      check("trace", this::trace);
    }
    if (remote.isPresent()) {
      check("cache", this::cache);
    }
    return List.copyOf(checks);
  }

  private interface Look {
    Found look() throws IOException, InterruptedException;
  }

  /** Adds what {@code look} finds; true unless it failed. */
  private boolean check(String name, Look look) throws InterruptedException {
    long start = context.ticker().nanos();
    var found = new CompletableFuture<Found>();
    // On another thread: a resolver or a file system that hangs hangs there.
    context
        .executor()
        .execute(() -> {
          try {
            found.complete(exchanges.run(() -> uninterrupted(look)));
          } catch (Throwable e) { // whoever waits must hear of it
            found.completeExceptionally(e);
          }
        });
    Found result;
    try {
      result = found.get(context.patience().toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      result =
          Found.failed(
              "no answer within " + context.patience().toSeconds() + " s",
              "something on the way hangs: a name server, a firewall that drops packets, a network file system");
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      if (!(cause instanceof IOException)) {
        throw new IllegalStateException(cause);
      }
      result = Found.failed(String.valueOf(cause.getMessage()), "");
    }
    double seconds = (context.ticker().nanos() - start) / 1e9;
    Check check = new Check(name, result.verdict(), result.finding(), result.advice(), seconds);
    checks.add(check);
    listener.accept(check);
    return result.verdict() != Verdict.FAILED;
  }

  private static Found uninterrupted(Look look) throws IOException {
    try {
      return look.look();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  // ---- the checks

  private Found credentials(ImageReference reference) {
    String host = reference.registry();
    var target =
        new CredentialProvider.Target(
            host, host, reference.repository(), URI.create("https://" + host + "/v2/"));
    try {
      Credential found = context.credentials().find(target);
      anonymous = found instanceof Credential.Anonymous;
      return Found.ok(anonymous ? "none for " + host + ": asked as anybody" : found.toString());
    } catch (IOException e) {
      return Found.failed(
          "they cannot be read: " + e.getMessage(),
          "mend or remove what is named there; without it obd asks as anybody");
    }
  }

  private Found manifest(ImageReference reference) throws IOException {
    Optional<LoadedImage> stored = context.images().find(reference);
    try {
      LoadedImage there = context.images().inRegistry(reference);
      image = stored.orElse(there);
      String text = there.descriptor().digest() + ", " + size(there) + way();
      boolean other =
          stored
              .filter(s -> !s.descriptor().digest().equals(there.descriptor().digest()))
              .isPresent();
      return other
          ? Found.warning(
              text + "; the local store has another image of this name, which is used",
              "'obd pull " + reference + "' takes the registry's")
          : Found.ok(text);
    } catch (RegistryException e) {
      String advice = Advice.on(e, reference.registry(), anonymous);
      if (stored.isPresent()) {
        image = stored.get();
        return Found.warning("of the local store; the registry: " + e.getMessage(), advice);
      }
      return Found.failed(String.valueOf(e.getMessage()), advice);
    }
  }

  private static String size(LoadedImage image) {
    List<Descriptor> layers = image.manifest().layers();
    return layers.size() + " layers, " + bytes(layers.stream().mapToLong(Descriptor::size).sum());
  }

  /** By whom the requests so far were answered, and how fast. */
  private String way() {
    var text = new StringBuilder();
    for (Exchange exchange : exchanges.since(0)) {
      if (text.length() < 300) {
        text.append(
            String.format(
                Locale.ROOT,
                "; %s %d in %d ms",
                exchange.origin(),
                exchange.status(),
                exchange.nanos() / 1_000_000));
      }
    }
    return text.toString();
  }

  private Found clock() {
    Optional<Duration> behind = exchanges.behind(context.clock().wallTime());
    if (behind.isEmpty()) {
      return Found.ok("the registry does not say what time it is");
    }
    Duration skew = behind.get().abs();
    String text =
        skew.toSeconds()
            + " s "
            + (behind.get().isNegative() ? "behind" : "ahead of")
            + " the registry's";
    String advice =
        "set this machine's clock ('timedatectl set-ntp true'): tokens and certificates seem expired, or not valid yet";
    if (skew.compareTo(SKEW_FAILURE) > 0) {
      return Found.failed(text, advice);
    }
    return skew.compareTo(SKEW_WARNING) > 0 ? Found.warning(text, advice) : Found.ok(text);
  }

  private Found layers(String source) throws IOException {
    try {
      LoadedImage loaded = image;
      ImagePlan found =
          loaded == null ? context.plans().resolve(source).plan() : context.plans().plan(loaded);
      plan = found;
      long remote = found.lowers().stream().filter(l -> l.link().isPresent()).count();
      return Found.ok(
          remote == 0
              ? "%d, all on this machine".formatted(found.lowers().size())
              : "%d, of which %d come over a network".formatted(found.lowers().size(), remote));
    } catch (RegistryException e) {
      boolean ordinary = e.kind() == RegistryException.Kind.REFUSED;
      return Found.failed(
          String.valueOf(e.getMessage()),
          ordinary
              ? "only images of overlaybd layers can be read in parts: make one of its disk with 'obd import', or ask for the converted image"
              : Advice.on(e, source, anonymous));
    }
  }

  private Optional<LayerOrigin> largestRemote() {
    ImagePlan known = plan;
    LoadedImage loaded = image;
    if (known == null) {
      return Optional.empty();
    }
    List<LayerOrigin> remote =
        known.lowers().stream().filter(layer -> layer.link().isPresent()).toList();
    if (loaded == null) {
      return remote.stream().findFirst();
    }
    return loaded.manifest().layers().stream()
        .sorted(Comparator.comparingLong(Descriptor::size).reversed())
        .flatMap(
            d -> remote.stream().filter(l -> l.digest().filter(d.digest()::equals).isPresent()))
        .findFirst();
  }

  private Found ranges(LayerOrigin layer) throws IOException {
    int before = exchanges.size();
    try (BlockSource blob = layer.opener().open()) {
      ByteBuffer some = ByteBuffer.allocate((int) Math.min(RANGE_BYTES, blob.size()));
      long at = (blob.size() - some.capacity()) / 2;
      new ReadContext(ReadContext.Purpose.DEMAND, deadline())
          .run(() -> {
            blob.read(at, some);
            return some;
          });
    } catch (RegistryException e) {
      List<Exchange> heard = exchanges.since(before);
      boolean ignored = !heard.isEmpty() && heard.getLast().status() == 200;
      return Found.failed(
          String.valueOf(e.getMessage()),
          ignored
              ? "the server, or a proxy on the way, sends whole layers only: bring the image here with 'obd pull --data', which can do with that"
              : Advice.on(e, layer.link().orElse(""), anonymous));
    }
    List<Exchange> heard = exchanges.since(before);
    if (heard.isEmpty()) {
      return Found.ok("its place needs no requests");
    }
    Exchange last = heard.getLast();
    boolean elsewhere = heard.stream().anyMatch(e -> e.status() / 100 == 3);
    String who = last.origin() + (elsewhere ? ", to which the registry redirects," : "");
    return Found.ok(who + " answers with what was asked for");
  }

  /** A little before the check's own: what failed says more than that it took long. */
  private Deadline deadline() {
    return Deadline.after(context.ticker(), context.patience().multipliedBy(4).dividedBy(5));
  }

  private Found speed(LayerOrigin layer) throws IOException, InterruptedException {
    Speed.Result speed;
    try (BlockSource blob = layer.opener().open()) {
      speed =
          new Speed(context.ticker(), context.executor(), context.patience(), exchanges).of(blob);
    }
    String text =
        String.format(
            Locale.ROOT,
            "a read of 4 KiB takes %.1f ms, four at once bring %s/s",
            speed.medianNanos() / 1e6,
            bytes((long) speed.bytesPerSecond()));
    if (speed.medianNanos() > FAR.toNanos()) {
      return Found.warning(
          text,
          "each read that is not cached waits so long: record a trace ('obd record'), whose replay asks for much at once, or use a registry or mirror nearby");
    }
    return speed.bytesPerSecond() < SLOW_BYTES_PER_SECOND
        ? Found.warning(
            text,
            "the link or the registry is slow: 'obd fetch' brings the image here before it is needed")
        : Found.ok(text);
  }

  private Found open() throws IOException {
    ImagePlan known = plan;
    if (known == null) {
      throw new IllegalStateException("no plan");
    }
    OpenOptions options = OpenOptions.DEFAULTS.forOnePass().withPatience(context.patience());
    try (Image opened = context.opener().open(known.withTrace(new TraceUse.None()), options)) {
      return Found.ok("a disk of " + bytes(opened.size()));
    } catch (IOException e) {
      return Found.failed(
          String.valueOf(e.getMessage()),
          "look closer with 'obd inspect', and build or push it anew");
    }
  }

  private Found trace() {
    ImagePlan known = plan;
    return known == null || known.trace() instanceof TraceUse.None
        ? Found.warning(
            "none: the first start reads piece by piece",
            "'obd record' makes an image that knows what will be read")
        : Found.ok("there is one: it is replayed when the image is attached");
  }

  private Found cache() throws IOException {
    CacheConfig config = context.cacheConfig();
    long free = Files.getFileStore(config.directory()).getUsableSpace();
    String text =
        "%s of %s used, %s free in %s"
            .formatted(
                bytes(context.cache().usedBytes()),
                bytes(config.capacityBytes()),
                bytes(free),
                config.directory());
    if (!Files.isWritable(config.directory())) {
      return Found.failed(
          text + ", which cannot be written", "everything would be fetched again and again");
    }
    LoadedImage loaded = image;
    long size =
        loaded == null ? 0 : loaded.manifest().layers().stream().mapToLong(Descriptor::size).sum();
    if (free < config.freeReserveBytes()) {
      return Found.warning(
          text,
          bytes(config.freeReserveBytes())
              + " are left to others: nothing more is kept until there is room");
    }
    return size > config.capacityBytes()
        ? Found.warning(text, "the image is larger than the cache: give --cache-size")
        : Found.ok(text);
  }

  private static String bytes(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1024 && unit < 4) {
      value /= 1024;
      unit++;
    }
    return unit == 0
        ? bytes + " B"
        : String.format(
            Locale.ROOT, value < 10 ? "%.1f %ciB" : "%.0f %ciB", value, " KMGT".charAt(unit));
  }
}
