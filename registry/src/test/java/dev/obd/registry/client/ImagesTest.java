package dev.obd.registry.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageConfig;
import dev.obd.registry.ImageIndex;
import dev.obd.registry.Manifest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.OverlaybdAnnotations;
import dev.obd.registry.Platform;
import dev.obd.registry.Progress;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.Repository;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.registry.layout.OciLayout;
import dev.obd.testdata.Call;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.LoggedRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImagesTest {
  @TempDir Path directory;

  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private Repositories repositories;
  private FaultyRegistry server;

  @BeforeEach
  void start() throws IOException {
    repositories = new Repositories(RegistryOptions.defaults());
    server = FaultyRegistry.start();
  }

  @AfterEach
  void stop() throws IOException {
    repositories.close();
    server.close();
    executor.close();
  }

  private OciLayout layout(String name) {
    return new OciLayout(directory.resolve(name), RegistryClock.SYSTEM);
  }

  private Repository remote(String name) throws IOException {
    return repositories.open(server.host() + "/" + name).repository();
  }

  static Descriptor blob(Repository to, String type, byte[] bytes) throws IOException {
    var descriptor = new Descriptor(type, Digest.of(bytes), bytes.length);
    to.push(descriptor, () -> new ByteArrayInputStream(bytes), Progress.NONE);
    return descriptor;
  }

  /** An image of several layers of random bytes. */
  static Manifest image(Repository to, long seed, Platform platform) throws IOException {
    var random = new SplittableRandom(seed);
    var layers = new ArrayList<Descriptor>();
    for (int i = 0; i < 6; i++) {
      byte[] bytes = new byte[random.nextInt(1, 60_000)];
      random.nextBytes(bytes);
      layers.add(blob(to, MediaTypes.OCI_LAYER, bytes));
    }
    byte[] config =
        ImageConfig.create(platform)
            .withDiffIds(layers.stream().map(Descriptor::digest).toList())
            .toBytes();
    return new Manifest(MediaTypes.OCI_MANIFEST, blob(to, MediaTypes.OCI_CONFIG, config), layers);
  }

  private static Descriptor tag(Repository to, String tag, Manifest manifest) throws IOException {
    return to.pushManifest(Optional.of(tag), manifest.mediaType(), manifest.toBytes());
  }

  private static void assertComplete(Repository at, String name) throws IOException {
    Images.Image image = Images.read(at, name, Platform.current());
    assertThat(image.config(at).diffIds()).hasSameSizeAs(image.manifest().layers());
    for (Descriptor layer : image.manifest().layers()) {
      assertThat(Digest.of(at.blob(layer, 1 << 20))).isEqualTo(layer.digest());
    }
  }

  @Test
  void anImageIsCopiedToARegistryAndBack() throws IOException {
    OciLayout from = layout("from");
    OciLayout to = layout("to");
    Descriptor image = tag(from, "v", image(from, 1, Platform.current()));
    var progress = new ArrayList<Long>();
    CopyOptions options =
        CopyOptions.defaults(executor).withProgress((done, total) -> progress.add(total - done));
    assertThat(Images.copy(from, "v", remote("app"), Optional.of("w"), options).digest())
        .isEqualTo(image.digest());
    assertThat(progress.getLast()).isZero();
    Images.copy(remote("app"), "w", to, Optional.of("x"), CopyOptions.defaults(executor));
    assertComplete(to, "x");
    assertThat(to.resolve("x").map(Descriptor::digest)).contains(image.digest());
  }

  @Test
  void blobsThatAreThereAreNotSentAgain() throws IOException {
    OciLayout from = layout("from");
    tag(from, "v", image(from, 2, Platform.current()));
    Repository to = remote("app");
    Images.copy(from, "v", to, Optional.of("a"), CopyOptions.defaults(executor));
    server.clearLog();
    Images.copy(from, "v", to, Optional.of("b"), CopyOptions.defaults(executor));
    assertThat(server.log()).extracting(LoggedRequest::method).containsOnly("HEAD", "PUT");
    assertThat(server.log()).noneMatch(r -> r.path().contains("uploads"));
  }

  @Test
  void withinOneRegistryBlobsAreMounted() throws IOException {
    Repository from = remote("one");
    tag(from, "v", image(from, 3, Platform.current()));
    server.clearLog();
    Images.copy(from, "v", remote("two"), Optional.of("v"), CopyOptions.defaults(executor));
    assertThat(server.log()).noneMatch(LoggedRequest::isBlobRead);
    assertComplete(remote("two"), "v");
  }

  @Test
  void whereMountingIsRefusedBytesAreSent() throws IOException {
    Repository from = remote("one");
    tag(from, "v", image(from, 4, Platform.current()));
    server.fault(c -> c.query().containsKey("mount"), new Fault.Status(403));
    Images.copy(from, "v", remote("two"), Optional.of("v"), CopyOptions.defaults(executor));
    assertComplete(remote("two"), "v");
  }

  private Descriptor multi(Repository to) throws IOException {
    var entries = new ArrayList<ImageIndex.Entry>();
    for (Platform platform : List.of(Platform.current(), Platform.parse("linux/s390x"))) {
      Manifest manifest = image(to, 5 + entries.size(), platform);
      Descriptor pushed =
          to.pushManifest(Optional.empty(), manifest.mediaType(), manifest.toBytes());
      String json =
          "{\"os\":\"%s\",\"architecture\":\"%s\"}"
              .formatted(platform.os(), platform.architecture());
      entries.add(
          new ImageIndex.Entry(
              new Descriptor(
                  pushed.mediaType(),
                  pushed.digest(),
                  pushed.size(),
                  Map.of(),
                  Map.of("platform", json)),
              Optional.of(platform)));
    }
    var index =
        new ImageIndex(
            MediaTypes.OCI_INDEX, Optional.empty(), entries, Optional.empty(), Map.of(), Map.of());
    return to.pushManifest(Optional.of("multi"), index.mediaType(), index.toBytes());
  }

  @Test
  void ofAnIndexThisMachinesImageIsCopiedOrAll() throws IOException {
    Repository from = remote("multi");
    Descriptor index = multi(from);
    OciLayout one = layout("one");
    Images.copy(from, "multi", one, Optional.of("v"), CopyOptions.defaults(executor));
    assertThat(one.resolve("v").map(Descriptor::mediaType)).contains(MediaTypes.OCI_MANIFEST);
    assertComplete(one, "v");

    OciLayout all = layout("all");
    CopyOptions whole = CopyOptions.defaults(executor).withPlatform(Optional.empty());
    Images.copy(from, "multi", all, Optional.of("v"), whole);
    assertThat(all.resolve("v").map(Descriptor::digest)).contains(index.digest());
    assertThat(all.tags()).containsExactly("v");
    for (String platform : List.of("linux/amd64", "linux/s390x")) {
      if (platform.equals("linux/s390x") || Platform.current().architecture().equals("amd64")) {
        Images.Image image = Images.read(all, "v", Platform.parse(platform));
        assertThat(image.config(all).platform()).hasToString(platform);
      }
    }
    assertThatThrownBy(() -> Images.read(all, "v", Platform.parse("plan9/68000")))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
  }

  @Test
  void metadataAloneLeavesLayersWhereTheyAre() throws IOException {
    Repository from = remote("app");
    Manifest manifest = image(from, 7, Platform.current());
    tag(from, "v", manifest);
    OciLayout to = layout("lazy");
    Images.copy(
        from, "v", to, Optional.of("v"), CopyOptions.defaults(executor).withMetadataOnly(true));
    assertThat(Images.read(to, "v", Platform.current()).config(to).diffIds()).hasSize(6);
    assertThat(to.has(manifest.layers().get(0).digest())).isFalse();
  }

  @Test
  void theOriginalLayerOfATurboLayerComesAlong() throws IOException {
    Repository from = remote("app");
    Manifest manifest = image(from, 8, Platform.current());
    Descriptor original = blob(from, MediaTypes.OCI_LAYER_GZIP, new byte[1234]);
    Descriptor turbo =
        manifest
            .layers()
            .get(0)
            .withAnnotations(
                Map.of(OverlaybdAnnotations.TURBO_TARGET_DIGEST, original.digest().value()));
    tag(from, "v", manifest.withLayers(List.of(turbo)));
    OciLayout to = layout("turbo");
    Images.copy(from, "v", to, Optional.of("v"), CopyOptions.defaults(executor));
    assertThat(to.has(original.digest())).isTrue();
  }

  @Test
  void anImageThatIsNotCompleteIsNotTagged() throws IOException {
    Repository from = remote("app");
    Manifest manifest = image(from, 9, Platform.current());
    tag(from, "v", manifest);
    String missing = manifest.layers().get(3).digest().value();
    server.fault(c -> c.isBlobRead() && c.path().endsWith(missing), new Fault.Status(404));
    OciLayout to = layout("broken");
    assertThatThrownBy(
            () -> Images.copy(from, "v", to, Optional.of("v"), CopyOptions.defaults(executor)))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
    assertThat(to.tags()).isEmpty();
    server.clearFaults();
    Images.copy(from, "v", to, Optional.of("v"), CopyOptions.defaults(executor));
    assertComplete(to, "v");
  }

  @Test
  void aSourceThatForbidsIsToldAsTheSourcesFault() throws IOException {
    Repository from = remote("app");
    tag(from, "v", image(from, 10, Platform.current()));
    try (FaultyRegistry target = FaultyRegistry.start()) {
      server.fault(Call::isBlobRead, new Fault.Status(403));
      Repository to = repositories.open(target.host() + "/b").repository();
      assertThatThrownBy(
              () -> Images.copy(from, "v", to, Optional.of("v"), CopyOptions.defaults(executor)))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAUTHORIZED))
          .hasMessageContaining(server.host());
    }
  }

  @Test
  void noMoreBlobsAreInFlightThanAllowed() throws IOException {
    Repository from = remote("app");
    tag(from, "v", image(from, 11, Platform.current()));
    server.fault(Call::isBlobRead, new Fault.Delay(java.time.Duration.ofMillis(50)));
    server.clearLog();
    Images.copy(
        from, "v", layout("few"), Optional.of("v"), CopyOptions.defaults(executor).withParallel(2));
    assertThat(server.counters().maxInFlight()).isBetween(1, 2);
  }

  @Test
  void namesOpenLayoutsAndRegistries() throws IOException {
    OciLayout layout = layout("dir");
    Descriptor image = tag(layout, "v1", image(layout, 12, Platform.current()));
    String dir = layout.directory().toString();
    try (Opened only = repositories.open("oci:" + dir)) {
      assertThat(only.tagOrDigest()).isEqualTo("v1");
      assertThat(only.tag()).contains("latest");
    }
    assertThat(repositories.open("oci:" + dir + ":v2").tag()).contains("v2");
    assertThat(repositories.open("oci:" + dir + "@" + image.digest()).tagOrDigest())
        .isEqualTo(image.digest().value());
    assertThat(repositories.open("oci:" + directory.resolve("none")).tagOrDigest())
        .isEqualTo("latest");
    try (Opened reference = Repositories.open("h.example:1/a/b:c", RegistryOptions.defaults())) {
      assertThat(reference.name()).isEqualTo("h.example:1/a/b:c");
    }
    for (String bad : List.of("oci:", "oci::x", "oci:" + dir + ":-x", "Not A Reference")) {
      assertThatThrownBy(() -> repositories.open(bad)).isInstanceOf(IllegalArgumentException.class);
    }
  }
}
