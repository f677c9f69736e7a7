package dev.obd.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.obd.testdata.Contents;
import dev.obd.testdata.ProcessRegistry;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An image of five layers in a real registry: a small root file system with a shell in it, and four
 * changes of it, each by e2fsprogs and {@code obd import}.
 */
final class LayeredImage implements AutoCloseable {
  static final int LAYERS = 5;
  private static final int MEBIBYTES = 32;
  private static final int FILES = 60;
  private static final List<String> PROGRAMS = List.of("/bin/dash", "/bin/cat", "/bin/true");
  private static final Pattern LIBRARY = Pattern.compile("(/\\S+) \\(0x");
  private static final String[] KINDS = {"text", "rand", "mix", "zero"};

  final TestHome home;
  final ProcessRegistry registry;

  /** Everything that is in its file system. */
  final Path tree;

  /** The whole disk. */
  final Path raw;

  private LayeredImage(TestHome home, ProcessRegistry registry) {
    this.home = home;
    this.registry = registry;
    this.tree = home.resolve("tree");
    this.raw = home.resolve("raw");
  }

  /** Makes and pushes it. */
  static LayeredImage make(ProcessRegistry.Builder how) throws IOException, InterruptedException {
    Tools.requireOnPath("mke2fs", "debugfs", "ldd");
    ProcessRegistry.assumeAvailable();
    var image = new LayeredImage(new TestHome(), how.start());
    image.fill();
    image.push();
    return image;
  }

  private void fill() throws IOException, InterruptedException {
    Files.createDirectories(tree);
    for (String program : PROGRAMS) {
      copy(Path.of(program));
      Matcher library = LIBRARY.matcher(Processes.run("ldd", program).text());
      while (library.find()) {
        copy(Path.of(library.group(1)));
      }
    }
    var random = new SplittableRandom(11);
    for (int i = 0; i < FILES; i++) {
      Path file = tree.resolve("data/d" + i % 5 + "/f" + i);
      Files.createDirectories(file.getParent());
      int size = i % 15 == 0 ? 300_000 + random.nextInt(100_000) : random.nextInt(30_000);
      Files.write(file, Contents.of(KINDS[i % KINDS.length], i, size));
    }
  }

  /** To the same place in the tree, as what links lead to. */
  private void copy(Path file) throws IOException {
    Path to = tree.resolve(file.toString().substring(1));
    Files.createDirectories(to.getParent());
    Files.copy(file.toRealPath(), to, StandardCopyOption.REPLACE_EXISTING);
  }

  private void push() throws IOException, InterruptedException {
    Processes.run(
        "mke2fs",
        "-q",
        "-F",
        "-t",
        "ext4",
        "-b",
        "4096",
        "-O",
        "^has_journal",
        "-d",
        tree.toString(),
        raw.toString(),
        MEBIBYTES + "M");
    var maker = new Cli(home.resolve("maker"));
    maker.ok("import", raw.toString(), name(1));
    for (int version = 2; version <= LAYERS; version++) {
      change(version);
      maker.ok("import", raw.toString(), name(version), "--base", name(version - 1));
    }
    maker.ok("push", name(LAYERS));
    registry.clearLog();
  }

  private void change(int version) throws IOException, InterruptedException {
    List<String> commands = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      String name = "new-" + version + "-" + i;
      Path fresh = tree.resolve(name);
      Files.write(fresh, Contents.of("mix", version * 100L + i, 20_000 * version + i));
      commands.add("write " + fresh + " " + name);
    }
    String gone = "data/d0/f" + 5 * version;
    Files.delete(tree.resolve(gone));
    commands.add("rm " + gone);
    Path script = home.resolve("commands");
    Files.write(script, commands);
    Processes.run("debugfs", "-w", "-f", script.toString(), raw.toString());
  }

  private String name(int version) {
    return registry.host() + "/test/app:v" + version;
  }

  /** Of the last version. */
  String reference() {
    return name(LAYERS);
  }

  /** The layers, the lowest first, as the registry's manifest describes them. */
  List<JsonObject> layers() throws IOException {
    URI uri = registry.uri().resolve("/v2/test/app/manifests/v" + LAYERS);
    var connection = (HttpURLConnection) uri.toURL().openConnection();
    connection.setRequestProperty("Accept", "application/vnd.oci.image.manifest.v1+json");
    try (var in = connection.getInputStream()) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      List<JsonObject> layers = new ArrayList<>();
      com.google.gson.JsonParser.parseString(text)
          .getAsJsonObject()
          .getAsJsonArray("layers")
          .forEach(layer -> layers.add(layer.getAsJsonObject()));
      return layers;
    }
  }

  /**
   * A {@code config.v1.json} as the snapshotter writes it, in a directory of its own.
   *
   * @return with {@code repoBlobUrl}, {@code lowers} and {@code resultFile}; more can be added
   */
  JsonObject config(Path directory) throws IOException {
    Files.createDirectories(directory);
    var config = new JsonObject();
    config.addProperty("repoBlobUrl", "http://" + registry.host() + "/v2/test/app/blobs");
    var lowers = new JsonArray();
    for (JsonObject layer : layers()) {
      var lower = new JsonObject();
      lower.add("digest", layer.get("digest"));
      lower.add("size", layer.get("size"));
      lower.addProperty(
          "dir", Files.createDirectories(directory.resolve("fs" + lowers.size())).toString());
      lowers.add(lower);
    }
    config.add("lowers", lowers);
    config.addProperty("resultFile", resultFile(directory).toString());
    return config;
  }

  static Path resultFile(Path directory) {
    return directory.resolve("init-debug.log");
  }

  /** Writes a configuration. */
  static Path write(Path directory, JsonObject config) throws IOException {
    Files.createDirectories(directory);
    return Files.writeString(directory.resolve("config.v1.json"), config.toString());
  }

  @Override
  public void close() throws IOException {
    try (registry) {
      home.close();
    }
  }
}
