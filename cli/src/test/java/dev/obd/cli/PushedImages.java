package dev.obd.cli;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.ProcessRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * A real registry that holds both versions of the {@link TestDisk} as images, the second as a layer
 * on the first: where end-to-end tests begin.
 */
final class PushedImages implements AutoCloseable {
  private static final long QUIET_MILLIS = 700;

  final TestDisk disk;
  final ProcessRegistry registry;
  final TestHome home;

  /** Of the machine on which the images were made. */
  final Cli maker;

  private PushedImages(TestDisk disk, ProcessRegistry registry) throws IOException {
    this.disk = disk;
    this.registry = registry;
    this.home = new TestHome();
    this.maker = new Cli(home.resolve("maker"));
  }

  /** On a registry that asks nothing. */
  static PushedImages make() throws IOException, InterruptedException {
    return make(ProcessRegistry.with());
  }

  /** On this registry, which takes pushes without credentials. */
  static PushedImages make(ProcessRegistry.Builder how) throws IOException, InterruptedException {
    TestDisk disk = TestDisk.get();
    ProcessRegistry.assumeAvailable();
    PushedImages images = new PushedImages(disk, how.start());
    images.maker.ok("import", disk.raw().toString(), images.v1());
    images.maker.ok("import", disk.raw2().toString(), images.v2(), "--base", images.v1());
    images.maker.ok("push", images.v1());
    images.maker.ok("push", images.v2());
    images.registry.clearLog();
    return images;
  }

  String v1() {
    return registry.host() + "/test/app:v1";
  }

  String v2() {
    return registry.host() + "/test/app:v2";
  }

  /** The home of another machine, which knows nothing yet. */
  Path machine(String name) {
    return home.resolve(name);
  }

  /** Skips the test, saying why, where a disk cannot be mounted. */
  static void assumeMountable(Path directory) {
    Frontends.unavailableBecause(
            Frontends.mount(directory.resolve("disk"), directory.resolve("mnt"), "ext4", true))
        .ifPresent(reason -> Assumptions.abort("cannot mount: " + reason));
  }

  /** The layers of an image, as its manifest in the registry describes them. */
  List<JsonObject> layers(String tag) throws IOException {
    URI uri = registry.uri().resolve("/v2/test/app/manifests/" + tag);
    HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
    connection.setRequestProperty("Accept", "application/vnd.oci.image.manifest.v1+json");
    try (InputStream in = connection.getInputStream()) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      List<JsonObject> layers = new ArrayList<>();
      JsonParser.parseString(text)
          .getAsJsonObject()
          .getAsJsonArray("layers")
          .forEach(layer -> layers.add(layer.getAsJsonObject()));
      return layers;
    }
  }

  /** Reads of the data layers of version 2 that were logged. */
  List<LoggedRequest> dataReads() throws IOException {
    List<String> digests =
        layers("v2").stream().map(layer -> layer.get("digest").getAsString()).toList();
    return registry.log().stream()
        .filter(LoggedRequest::isBlobRead)
        .filter(r -> digests.stream().anyMatch(r.path()::contains))
        .toList();
  }

  /** Waits until the registry has been asked nothing for a while. */
  void awaitQuiet() throws InterruptedException {
    int before = -1;
    for (int now = registry.log().size(); now != before; now = registry.log().size()) {
      before = now;
      TimeUnit.MILLISECONDS.sleep(QUIET_MILLIS);
    }
  }

  @Override
  public void close() throws IOException {
    try (registry) {
      home.close();
    }
  }
}
